// The command line of dtc. `--help` is printed from this table, topic by topic.
include "llvm/Option/OptParser.td"

// TableGen sorts records by name; the numbers put topics in the order of the help text.
class Topic<string title> : OptionGroup<title> { let HelpText = title; }

// NAME=VALUE, and the same as two words.
multiclass Value<string name, string meta, string help, OptionGroup topic> {
  def NAME : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<help>, Group<topic>;
  def NAME # _words : Separate<["--"], name>, Alias<!cast<Option>(NAME)>,
                      Flags<[HelpHidden]>, Group<topic>;
}

def topic_1_recipe : Topic<"Recipe (what the model file itself says counts where an option is not given)">;
defm loss : Value<"loss", "NAME", "cross-entropy (of logits against class ids), mse or bce", topic_1_recipe>;
defm optimizer : Value<"optimizer", "NAME", "sgd, adam or adamw, with PyTorch's definitions and defaults", topic_1_recipe>;
defm lr : Value<"lr", "X", "learning rate (default 1e-3)", topic_1_recipe>;
defm momentum : Value<"momentum", "X", "sgd: momentum (default 0)", topic_1_recipe>;
defm dampening : Value<"dampening", "X", "sgd: dampening of momentum (default 0)", topic_1_recipe>;
def nesterov : Flag<["--"], "nesterov">, HelpText<"sgd: Nesterov momentum">, Group<topic_1_recipe>;
defm beta1 : Value<"beta1", "X", "adam, adamw: decay of the first moment (default 0.9)", topic_1_recipe>;
defm beta2 : Value<"beta2", "X", "adam, adamw: decay of the second moment (default 0.999)", topic_1_recipe>;
defm epsilon : Value<"epsilon", "X", "adam, adamw: term in the denominator (default 1e-8)", topic_1_recipe>;
defm weight_decay : Value<"weight-decay", "X", "weight decay (default 0; adamw 0.01)", topic_1_recipe>;
defm batch : Value<"batch", "N", "global batch: binds the model's symbolic first dimension", topic_1_recipe>;
defm model_output : Value<"output", "NAME", "the model's output that the loss takes, where it has several", topic_1_recipe>;

def topic_2_strategy : Topic<"Strategy">;
defm strategy : Value<"strategy", "NAME", "none (default), or data: the batch is shared by the devices and gradients are averaged", topic_2_strategy>;
defm devices : Value<"devices", "N", "number of devices; the program runs under 'mpirun -n N'", topic_2_strategy>;
defm mesh : Value<"mesh", "AXIS:N", "the same as an axis of a mesh: data:4 is --strategy=data --devices=4", topic_2_strategy>;
defm target : Value<"target", "NAME", "cpu (default)", topic_2_strategy>;

def topic_3_result : Topic<"Result">;
defm emit : Value<"emit", "LEVEL", "nn, grad, dist or rt (text), source (a folder) or binary (default)", topic_3_result>;
def o : JoinedOrSeparate<["-"], "o">, MetaVarName<"OUT">, Group<topic_3_result>,
        HelpText<"where the result goes; text goes to standard output without it. The source of a binary lies in OUT.source">;
def explain : Flag<["--"], "explain">, Group<topic_3_result>,
              HelpText<"say what was decided and what one step costs each rank">;

def topic_4_developer : Topic<"For developers">;
def print_pipeline : Flag<["--"], "print-pipeline">, Group<topic_4_developer>,
                     HelpText<"print the passes of this compilation, as dtc-opt takes them, and stop">;
def time_passes : Flag<["--"], "time-passes">, Group<topic_4_developer>,
                  HelpText<"report where the time of the compilation went">;
def mlir : Joined<["--"], "mlir-">, MetaVarName<"OPTION">, Group<topic_4_developer>,
           HelpText<"MLIR's own options, for example --mlir-print-ir-after-all">;
def help : Flag<["--"], "help">, HelpText<"print this">, Group<topic_4_developer>;
def h : Flag<["-"], "h">, Alias<help>, Flags<[HelpHidden]>;
def version : Flag<["--"], "version">, HelpText<"print the version">, Group<topic_4_developer>;

// Known, so that they are refused by name rather than as typing errors.
defm microbatches : Value<"microbatches", "N", "", topic_2_strategy>;
defm schedule : Value<"schedule", "NAME", "", topic_2_strategy>;

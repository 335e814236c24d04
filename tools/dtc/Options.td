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
defm loss : Value<"loss", "NAME", "cross-entropy (of logits against class ids), mse, bce (of probabilities) or bce-logits; model: the model's own scalar output, whose label is then no input but the data's label", topic_1_recipe>;
defm ignore_index : Value<"ignore-index", "K", "cross-entropy: labels that are K do not count; the mean is that of the others in the whole batch", topic_1_recipe>;
defm label_smoothing : Value<"label-smoothing", "E", "cross-entropy: this part of each label is shared out to all classes alike", topic_1_recipe>;
defm class_weights : Value<"class-weights", "FILE.npy|X,...", "cross-entropy: what a label counts, by its class; the mean is the weighted one of the whole batch", topic_1_recipe>;
defm class_axis : Value<"class-axis", "D", "cross-entropy: the dimension of the classes: 1 of [N, C, H, W] (default: the last)", topic_1_recipe>;
defm optimizer : Value<"optimizer", "NAME", "{optimizers}; its settings are the options below", topic_1_recipe>;
defm bind : Value<"bind", "NAME=N,...", "sizes of the symbolic dimensions of a model: T=128", topic_1_recipe>;
def tie : Flag<["--"], "tie">, Group<topic_1_recipe>,
          HelpText<"ONNX: parameters of equal numbers, or that are the transpose of one another (a tied embedding that the exporter copied), are trained as one; also with --export-onnx, which writes all of them">;
defm batch : Value<"batch", "N", "global batch: binds the model's symbolic first dimension", topic_1_recipe>;
defm model_output : Value<"output", "NAME", "the model's output that the loss takes, where it has several; of --loss=model, that is the loss", topic_1_recipe>;
defm freeze : Value<"freeze", "PATTERN", "parameters that are not trained, by name: 'encoder.*' (also ? and [a-z]); may be given several times", topic_1_recipe>;
defm lr_scale : Value<"lr-scale", "PATTERN:X", "parameters of these names move by X times the learning rate; may be given several times, and the last that matches counts", topic_1_recipe>;
defm no_decay : Value<"no-decay", "PATTERN", "parameters of these names are updated without weight decay; may be given several times", topic_1_recipe>;
def train_mode : Flag<["--"], "train-mode">, Group<topic_1_recipe>,
                 HelpText<"the ONNX model was exported for evaluation: Dropout nodes that do nothing in it drop again; says what cannot be restored. (Batch normalisation takes the batch's statistics in any case)">;
defm dropout : Value<"dropout", "P", "the ratio of all Dropout nodes of an ONNX model, whatever it says, from 0 to below 1", topic_1_recipe>;

defm batch_norm_variance : Value<"batch-norm-variance", "NAME", "which variance of a batch the running one of an ONNX model's BatchNormalization moves towards: unbiased, as PyTorch's (default for files that PyTorch exported), or biased, as ONNX defines it (default for others)", topic_1_recipe>;

def topic_2_strategy : Topic<"Strategy">;
defm strategy : Value<"strategy", "NAME", "none (default); data: the devices share the batch and sum gradients; model: they share the layers, as stages of a pipeline", topic_2_strategy>;
defm devices : Value<"devices", "N", "number of devices; the program runs under 'mpirun -n N'", topic_2_strategy>;
defm mesh : Value<"mesh", "AXIS:N,...", "several strategies at once: data:2,pipe:2 are two pipelines of two stages that share the batch; along tensor ranks share parameters and the work on them", topic_2_strategy>;
defm microbatches : Value<"microbatches", "N", "parts of a rank's share of the batch: of a pipeline under way at once (default: twice the stages, or what the batch allows), else one after the other, whose gradients add up before the update", topic_2_strategy>;
defm zero : Value<"zero", "N", "1: of the ranks that share the batch each keeps the optimizer's state of its part of every parameter alone, and updates that (default 0)", topic_2_strategy>;
defm schedule : Value<"schedule", "NAME", "of a pipeline: {schedules}", topic_2_strategy>;
defm stages_per_device : Value<"stages-per-device", "N", "pipelines: stages of each device (default: what the schedule is made for)", topic_2_strategy>;
defm cut_after : Value<"cut-after", "NODE,...", "pipelines: the last node of each stage but one, instead of the planner's cut; in names \\, is a comma, \\\\ a backslash, \\xNN a byte", topic_2_strategy>;
def recompute : Flag<["--"], "recompute">, Group<topic_2_strategy>,
                HelpText<"pipelines: keep what a stage received instead of what it computed, and run its forward again">;
defm batch_norm : Value<"batch-norm", "NAME", "statistics of batch normalisation: share (default), of what a rank has in a microbatch; whole, of the batch, with sums between ranks in the middle of the step", topic_2_strategy>;
defm recognise : Value<"recognise", "NAME", "on (default): layer norms, attention and activations that an exporter wrote in parts become one op each, with the same values and gradients; off", topic_2_strategy>;
defm precision : Value<"precision", "NAME", "f32 (default); tf32: matrix products and convolutions may round to it on GPUs that have it; bf16: mixed precision, with f32 parameters, sums and losses", topic_2_strategy>;
defm cluster : Value<"cluster", "FILE", "description of the devices and links, YAML or JSON (default: CPU cores of one machine)", topic_2_strategy>;
defm device_memory : Value<"device-memory", "SIZE", "what a device can hold, for example 512MiB or 8GiB", topic_2_strategy>;
defm device_speeds : Value<"device-speeds", "X,...", "relative speed of each device", topic_2_strategy>;
defm target : Value<"target", "NAME", "cpu (default) or cuda, for NVIDIA GPUs: one rank a GPU", topic_2_strategy>;
defm cuda_arch : Value<"cuda-arch", "N,...", "--target=cuda: the GPUs to compile for, by compute capability: 80, 90 (default: both), 100, ...", topic_2_strategy>;

def topic_3_result : Topic<"Result">;
defm emit : Value<"emit", "LEVEL", "nn, grad, dist or rt (text), source (a folder) or binary (default)", topic_3_result>;
def o : JoinedOrSeparate<["-"], "o">, MetaVarName<"OUT">, Group<topic_3_result>,
        HelpText<"where the result goes; text goes to standard output without it, and may go to a pipe. The source of a binary lies in OUT.source. No output replaces a file that is read">;
def explain : Flag<["--"], "explain">, Group<topic_3_result>,
              HelpText<"say what was decided and what one step costs each rank">;
def explain_picture : Joined<["--"], "explain=">, MetaVarName<"FILE.svg">, Group<topic_3_result>,
              HelpText<"draw the timetable of a step as it is predicted: devices down, time across">;
defm trace : Value<"trace", "FILE.json", "with --explain=FILE.svg: draw below it what a run with --trace=FILE.json measured", topic_3_result>;
defm dot : Value<"dot", "FILE", "with --emit=dist: draw what runs where and what travels, for Graphviz", topic_3_result>;

defm export_onnx : Value<"export-onnx", "FILE.onnx", "instead of a program: write the ONNX model with what a run has trained (--load), for evaluation. In an ONNX model's own graph, whose names and symbolic dimensions stay (--batch and --bind change nothing); of the model language in a graph of opset 21", topic_3_result>;
defm load : Value<"load", "FILE.safetensors", "with --export-onnx: the checkpoint, which a program has written with --save", topic_3_result>;

def check : Flag<["--"], "check">, Group<topic_3_result>,
            HelpText<"instead of a program: say what in an ONNX model makes training from this file something else than training the model that was exported, and what to export instead; status 0 if nothing does, 3 if something does">;
def calibrate : Flag<["--"], "calibrate">, Group<topic_3_result>,
                HelpText<"measure this machine and, if a model is given, each op of its step: -o names a file for --cluster. With --cluster, a model's ops are added to that file's">;

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

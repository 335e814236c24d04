// The passes of the Partition stage: a step on the global batch becomes what
// each rank does.
#ifndef DTC_PARTITION_PASSES
#define DTC_PARTITION_PASSES

include "mlir/Pass/PassBase.td"

def ShardBatchPass : Pass<"dtc-shard-batch", "::mlir::ModuleOp"> {
  let summary = "share the batch of a step out over the ranks of an axis";
  let description = [{
    Expects functions with `nn.phase` on the global batch (N samples). Shards
    dimension 0 of inputs, label and sample weights, follows it through the step
    by the ops' sharding rules (ShardingRuleOpInterface), and rewrites the
    function to the shapes of one rank: ceil(N / devices) samples; rows beyond N
    have the sample weight 0. A value that each rank has a part of the sum of
    becomes whole by `dist.batch_sum` where an op or the result needs it whole;
    parameters stay on every rank. Constants and broadcasts that hold a row for
    each sample are made at the local size.

    Afterwards the module has a `shard.grid @mesh`, sharded arguments and a rank's rows of
    an output (a result with `nn.output`) carry `dist.shard`, and the functions `dist.axis`. With one device nothing else
    changes.

    With `microbatches`, each rank's share is cut further: the function then works
    on one microbatch of ceil(ceil(N / devices) / microbatches) samples, carries
    `dist.microbatches`, and `dist.batch_sum` stands for the sum over all
    microbatches of all ranks. `mark-sums` has these even where one microbatch is
    the whole batch: they are where a pipeline's update begins.

    With unequal `speeds` there is a function for each rank of the axis, with
    `dist.at` and `dist.first_row`, whose rows are in proportion to its speed.

    It is an error at the op if an op needs several samples at once, or if it
    sums over samples what the padding rows would count in.

    ```mlir
    // before, devices=4
    func.func @train(%x: tensor<256x8xf32> {nn.input = "x"}, …) attributes {nn.phase = "train"} {
      %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<256x10xf32>, …) -> (tensor<f32>, …)
      %dw = nn.matmul %x transposed, %dy : (…) -> tensor<8x10xf32>
      %w1 = nn.update %w, %dw …

    // after
    shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
    func.func @train(%x: tensor<64x8xf32> {nn.input = "x", dist.shard = "data"}, …)
        attributes {nn.phase = "train", dist.axis = "data"} {
      %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<64x10xf32>, …) -> (tensor<f32>, …)
      %dw = nn.matmul %x transposed, %dy : (…) -> tensor<8x10xf32>
      %dw_sum = dist.batch_sum %dw over "data" : tensor<8x10xf32>
      %w1 = nn.update %w, %dw_sum …
    ```
  }];
  let options = [
    Option<"axis", "axis", "std::string", "\"data\"", "name of the mesh axis">,
    Option<"devices", "devices", "int64_t", "1", "ranks along the axis">,
    Option<"microbatches", "microbatches", "int64_t", "1", "parts of a rank's share">,
    Option<"fewer", "fewer", "bool", "false", "as many microbatches as the batch makes, at most">,
    ListOption<"speeds", "speeds", "double",
               "relative speeds of the ranks along the axis: each gets rows in proportion">,
    Option<"markSums", "mark-sums", "bool", "false",
           "keep sums over the batch apart even on one device">,
    ListOption<"mesh", "mesh", "std::string",
               "axes of the mesh, as name:size; without it the axis alone">];
  let statistics = [
    Statistic<"reduced", "all-reduces", "values made whole by an all-reduce">];
  let dependentDialects = ["::dtc::dist::DistDialect", "::mlir::shard::ShardDialect"];
}

def AssignStagesPass : Pass<"dtc-assign-stages", "::mlir::ModuleOp"> {
  let summary = "cut a step into the stages of a pipeline";
  let description = [{
    Expects what dtc-shard-batch leaves with `mark-sums`. The layers of the
    training step are cut so that the slowest stage is as fast as can be
    (`planStages`), or behind the nodes that `cut-after` names. An adjoint stands
    on its layer's stage; those of an evaluation and of a prediction
    stand where training has them.
    Afterwards forward and backward ops carry `dist.stage`, and the module
    `dist.stage_plan`: how the cut was found and how good it is.

    ```mlir
    %h = nn.relu %x : tensor<8x4xf32>
    // becomes
    %h = nn.relu %x {dist.stage = 0 : i64} : tensor<8x4xf32>
    ```
  }];
  let options = [
    Option<"axis", "axis", "std::string", "\"pipe\"", "mesh axis of the stages">,
    Option<"stagesPerDevice", "stages-per-device", "int64_t", "1", "stages of each device">,
    Option<"schedule", "schedule", "std::string", "\"1f1b\"",
           "decides how many microbatches a stage keeps">,
    Option<"cluster", "cluster", "std::string", "\"\"", "file that describes the devices">,
    Option<"deviceMemory", "device-memory", "int64_t", "0",
           "bytes that parameters and kept activations may take on a device; 0: any">,
    ListOption<"deviceSpeeds", "device-speeds", "double", "relative speed of each device">,
    ListOption<"cutAfter", "cut-after", "std::string", "the last node of each stage but one">];
  let dependentDialects = ["::dtc::dist::DistDialect"];
}

def ShardTensorPass : Pass<"dtc-shard-tensor", "::mlir::ModuleOp"> {
  let summary = "spread parameters and the ops that read them over the ranks of an axis";
  let description = [{
    Expects what dtc-shard-batch leaves. Along the axis all ranks have the same rows
    of the batch. A parameter may lie whole on each rank, or in slices of one of its
    dimensions; what follows from that is found by the ops' sharding rules: given how its
    operands lie, each op runs in the version that costs least, its own time and that
    of the transitions that bring its operands where it needs them (all-reduce,
    reduce-scatter, all-gather, all-to-all, slice). The seeds, how parameters lie, are
    moved one or two at a time as long as the step gets faster. Of two products that follow each
    other the first's weight comes to lie in columns and the second's in rows, with one all-reduce
    behind both (Shoeybi et al., "Megatron-LM", 2019), without anybody having said so.

    All steps of a module lie as its training step does; where ranks run steps of their
    own, as the first does. Arguments that are slices carry `dist.shares`. It is a
    warning if nothing is spread.

    ```mlir
    %h = nn.matmul %x, %w1 : (tensor<8x4xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
    %y = nn.matmul %h, %w2 : (tensor<8x6xf32>, tensor<6x2xf32>) -> tensor<8x2xf32>

    // becomes, for 2 ranks
    %h = nn.matmul %x, %w1 : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
    %part = nn.matmul %h, %w2 : (tensor<8x3xf32>, tensor<3x2xf32>) -> tensor<8x2xf32>
    %y = dist.all_reduce sum %part over "tensor" : tensor<8x2xf32>
    ```
  }];
  let options = [
    Option<"axis", "axis", "std::string", "\"tensor\"", "mesh axis over whose ranks parameters are spread">,
    Option<"cluster", "cluster", "std::string", "\"\"", "file that describes the devices">];
  let statistics = [Statistic<"transitions", "transitions", "values that are brought from lying in one way to another">];
  let dependentDialects = ["::dtc::dist::DistDialect"];
}

def ShardStatePass : Pass<"dtc-shard-state", "::mlir::ModuleOp"> {
  let summary = "share the optimizer's state out over the ranks of an axis";
  let description = [{
    Expects what dtc-shard-batch leaves. Of every parameter that a step updates each
    rank along the axis updates its part alone, from its part of the gradient's sum,
    and keeps the state of that part; then all gather the new parameter (Rajbhandari et
    al., "ZeRO", SC 2020, stage 1: as many bytes as an all-reduce of the gradients). Parts
    are equal pieces of a tensor's elements, so that any shape can be shared out. State
    carries `dist.shares`: a checkpoint holds it whole.

    It is an error if an optimizer's formula sums over a parameter.

    ```mlir
    %dw = dist.batch_sum %d over "data" : tensor<3x3xf32>
    %w1, %m1 = nn.update %w, %dw state(%m) …            // %m: tensor<3x3xf32>

    // becomes, for 4 ranks
    %dw = dist.batch_sum %d over "data" parts : tensor<3x3xf32> -> tensor<3xf32>
    %part = dist.part %w over "data" : tensor<3x3xf32> -> tensor<3xf32>
    %p1, %m1 = nn.update %part, %dw state(%m) …         // %m: tensor<3xf32> {dist.shares = […]}
    %w1 = dist.all_gather %p1 over "data" : tensor<3xf32> -> tensor<3x3xf32>
    ```
  }];
  let options = [Option<"axis", "axis", "std::string", "\"data\"", "mesh axis over whose ranks state is shared out">];
  let statistics = [Statistic<"updates", "updates", "parameters whose update is shared out">];
  let dependentDialects = ["::dtc::dist::DistDialect"];
}

def FormTimelinesPass : Pass<"dtc-form-timelines", "::mlir::ModuleOp"> {
  let summary = "make fragments and timelines of a rank's step";
  let description = [{
    Expects what dtc-shard-batch leaves; on a mesh with the axis of stages, its ops
    carrying `dist.stage`. What a later fragment needs is a result of the earlier
    one; constants are made again where they are used.

    Sums over the batch become asynchronous all-reduces and join buckets. Buckets
    fill in the order in which backward finishes their values, and close once they
    have `bucket-bytes`. Fragments are cut at bucket boundaries: behind each its
    bucket starts, so that it travels while the next fragment runs. The waits stand
    before the update. Only a sum that another one waits for (in a model that
    takes a mean over the batch) travels alone and is awaited before the next
    fragment.

    A step without stages and with one microbatch runs as one: its fragments are
    `forward_backward`, or `head` (up to the loss and on), `backward_1`, …, `tail`
    where buckets cut it, and `update`; that of an evaluation `evaluate_forward`, of a
    prediction `predict_forward`.
    The loss rides in the first bucket.

    ```mlir
    // before
    func.func @train(%x: …, %w: …) -> (tensor<f32> {nn.loss}, tensor<8xf32> {nn.parameter = "w"})
        attributes {nn.phase = "train", dist.axis = "data"} {
      …
      %dw_sum = dist.batch_sum %dw over "data" : tensor<8xf32>
      %w1 = nn.update %w, %dw_sum …

    // after
    dist.fragment @forward_backward(%x: …, %w: …) -> (tensor<f32>, tensor<8xf32>) { … }
    dist.fragment @update(%w: …, %dw: …) -> tensor<8xf32> { … }
    dist.timeline @train(%x: …, %w: …) -> (…) attributes {phase = "train", role = "all"} {
      %loss, %dw = dist.run @forward_backward(%x, %w) : …
      %t = dist.all_reduce_start sum %loss, %dw over "data" bucket "bucket0" ["loss", "w"] : …
      %loss_sum, %dw_sum = dist.wait %t : …
      %w1 = dist.run @update(%w, %dw_sum) : …
      dist.return %loss_sum, %w1 : …
    }
    ```

    Otherwise there are a fragment `forward` and one `backward`
    (`weight_gradients` apart, where the schedule splits backward), and the
    timeline runs the schedule's tasks on all microbatches. Sums grow in place over
    the microbatches and travel as soon as the last one has filled their bucket.
    With stages each has these fragments (`stageK_forward`), each device an update
    and a timeline; the schedule places the stages on devices.

    - A value goes from the stage that makes it straight to each stage that takes
      it, once a microbatch.
    - A parameter used on two devices is updated on both, with the same sum: each
      sums up its own terms, and the devices exchange these sums once a step.
    - The loss, and an evaluation's results, reach all ranks. A result with `dist.shard` (the output of a prediction) is on the device
      that makes it: its rows of each microbatch, one result each.
    - With `recompute`, a stage keeps what it received instead of what it
      computed, and runs its forward again before backward (all but the last).

    ```mlir
    // before, on @mesh {dist.axes = ["pipe"]}, microbatches = 2
    func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}, …) {
      %h = nn.matmul %x, %w1 … {dist.stage = 0}
      %y = nn.matmul %h, %w2 … {dist.stage = 1}
      …

    // after
    dist.fragment @stage0_forward(%x: tensor<8x4xf32>, %w1: …) -> tensor<8x6xf32> { … }
    dist.timeline @stage0(%x: tensor<16x4xf32> {nn.input = "x"}, …)
        attributes {phase = "train", role = "stage0", dist.at = {pipe = 0}} {
      %x0 = dist.microbatch 0 of %x : tensor<16x4xf32> -> tensor<8x4xf32>
      %h0 = dist.run @stage0_forward(%x0, %w1) microbatch 0 : …
      %sent = dist.send_start %h0 "h" to 1 over "pipe" microbatch 0 : …
    ```
  }];
  let options = [
    Option<"axis", "axis", "std::string", "\"pipe\"", "mesh axis of the stages, if there are any">,
    Option<"schedule", "schedule", "std::string", "\"1f1b\"",
           "one of allSchedules() (Schedule.h)">,
    Option<"recompute", "recompute", "bool", "false", "run forward again before backward">,
    Option<"bucketBytes", "bucket-bytes", "int64_t", "512 * 1024",
           "size in bytes at which a bucket closes and starts to travel">];
  let statistics = [
    Statistic<"buckets", "buckets", "sums over the batch that travel asynchronously">,
    Statistic<"messages", "messages", "values sent between the ranks of one pipeline">,
    Statistic<"fragments", "fragments", "fragments made">];
  let dependentDialects = ["::dtc::dist::DistDialect"];
}

def VerifyCommunicationPass : Pass<"dtc-verify-communication", "::mlir::ModuleOp"> {
  let summary = "prove that the communication of all ranks matches and cannot hang";
  let description = [{
    Ends the stage. First every communication gets its other ends. Ranks that
    differ only along an axis are a group of that axis, and the k-th collective
    of one must be the k-th of all: the same kind, reduction, bucket and types.
    The k-th message that one rank sends to another is the k-th that the other
    receives from it: the same name, microbatch and type. Then the timelines of
    each phase are played on all ranks of the mesh; a rank waits

    - for a message to arrive, until the sender has started to send it,
    - for a message to leave, until the receiver waits for it (a runtime may copy
      only then),
    - for a collective, until all of its group have started it.

    It is an error if

    - an axis is not one of the mesh, or a peer is none of its coordinates, or
      the rank itself,
    - a rank has no timeline of the phase, or two,
    - what is started is not awaited exactly once; collectives, in another order,
    - a fragment holds anything asynchronous, or a collective over an axis along
      which the ranks run different timelines,
    - the two ends of a message differ, or there is one end only,
    - two ranks of a group reach different collectives,
    - ranks wait for each other in a circle, which is then named.

    A timeline with `dist.at = {pipe = 0}` is that of the ranks at those
    coordinates; without, of all ranks. The pass changes nothing.

    ```mlir
    %t = dist.all_reduce_start sum %dw over "data" bucket "bucket0" ["w"] : …
    dist.return %dw   // error: 'dist.all_reduce_start' op of bucket 'bucket0' is never awaited

    // at pipe = 0                         at pipe = 1
    %t = dist.send_start %x "x" to 1 …     %r = dist.recv_start "x" from 0 …
    dist.wait %t                           %u = dist.send_start %y "y" to 0 …
    %s = dist.recv_start "y" from 1 …      dist.wait %u
    // error: 'dist.wait' op of rank 0 waits forever: rank 0 waits for rank 1, which waits for rank 0
    ```
  }];
}

#endif // DTC_PARTITION_PASSES

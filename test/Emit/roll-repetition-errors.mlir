// RUN: dtc-opt --dtc-roll-repetition --split-input-file --verify-diagnostics %s

// expected-error @below {{has no memory plan: run dtc-plan-memory first}}
rt.program @unplanned attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["data"], mesh = array<i64: 1>} {
}

# A perceptron of as many equal layers, between others: `equal_layers.py LAYERS`.
import sys

layers = "".join(f"  x = x |> linear(8) as fc{i} |> relu\n" for i in range(int(sys.argv[1])))
print(f"model deep(input: f32[N, 8]) -> y {{\n  x = input\n{layers}  y = x |> linear(4) as last\n}}")
print("train deep { loss: cross_entropy   optimizer: adam(lr: 0.01)   batch: 16 }")

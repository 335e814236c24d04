#!/usr/bin/env python3
# Whether models of further families reach their gradients, from files as PyTorch's two exporters that keep training write them:
#
#   families.py FOLDER [--models=roberta,timm_dla34] [--ways=ts_train,dynamo] [--dtc=PATH]
#
# Python's environment must have torch, torchvision, onnx, onnxscript, transformers and timm (whose models need pyyaml and huggingface_hub, but no
# network). Small configurations with random weights; files that lie in FOLDER are used again. A row is `ok`, the compiler's error, or why PyTorch
# wrote no file. Status 1 if a file is refused. zoo.py goes further with the families that it has: it trains them beside PyTorch.
import argparse
import contextlib
import os
import subprocess
import sys
import warnings

import zoo

warnings.filterwarnings("ignore")
FAMILIES = {}
TEXT = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, max_position_embeddings=40)
VISION = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8)


def hugging_face(name, model, config, tokens=16, image=None, output="logits", **settings):
    def make():
        import torch
        import transformers as T
        made = getattr(T, config)(**settings)
        if hasattr(made, "use_cache"):
            made.use_cache = False

        class Output(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.m = getattr(T, model)(made)

            def forward(self, x):
                result = self.m(pixel_values=x) if image else self.m(input_ids=x)
                return getattr(result, output) if hasattr(result, output) else result[0]

        return Output(), torch.randn(zoo.BATCH, 3, image, image) if image else torch.randint(0, 100, (zoo.BATCH, tokens))
    FAMILIES[name] = make


def text(name, family, task="ForSequenceClassification", base=TEXT, **settings):
    hugging_face(name, family + task, family + "Config", **base, **settings)


def vision(name, family, image=32, task="ForImageClassification", base=VISION, **settings):
    hugging_face(name, family + task, family + "Config", image=image, **base, **settings)


def torchvision(name, size=64, segments=False, **settings):
    def make():
        import torch
        import torchvision.models as models

        class Output(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.m = getattr(models.segmentation if segments else models, name)(weights=None, **settings)

            def forward(self, x):
                result = self.m(x)
                return result["out"].permute(0, 2, 3, 1) if segments else result # classes last, as the loss has them

        return Output(), torch.randn(zoo.BATCH, 3, size, size)
    FAMILIES["tv_" + name] = make


def timm(name, size=64, **settings):
    def make():
        import timm as library
        import torch
        return library.create_model(name, pretrained=False, num_classes=10, **settings), torch.randn(zoo.BATCH, 3, size, size)
    FAMILIES["timm_" + name] = make


text("roberta", "Roberta")
text("albert", "Albert", embedding_size=16)
text("electra", "Electra", embedding_size=16)
text("deberta", "DebertaV2")
text("bert_mlm", "Bert", "ForMaskedLM")
text("mpnet", "MPNet")
text("opt", "OPT", "ForCausalLM", {}, vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64, max_position_embeddings=40,
     word_embed_proj_dim=32)
text("opt_long", "OPT", "ForCausalLM", {}, tokens=1024, vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64,
     max_position_embeddings=1024, word_embed_proj_dim=32)
text("gpt2_long", "GPT2", "LMHeadModel", {}, tokens=1024, vocab_size=100, n_positions=1024, n_embd=32, n_layer=2, n_head=4)
text("bloom", "Bloom", "ForCausalLM", {}, vocab_size=100, hidden_size=32, n_layer=2, n_head=4)
text("gptneox", "GPTNeoX", "ForCausalLM")
text("gptneo", "GPTNeo", "ForCausalLM", {}, vocab_size=100, hidden_size=32, num_layers=2, num_heads=4, intermediate_size=64, max_position_embeddings=40,
     attention_types=[[["global", "local"], 1]])
text("mistral", "Mistral", "ForCausalLM", num_key_value_heads=2)
text("gemma", "Gemma", "ForCausalLM", num_key_value_heads=2, head_dim=8)
text("phi", "Phi", "ForCausalLM")
text("falcon", "Falcon", "ForCausalLM", {}, vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
text("stablelm", "StableLm", "ForCausalLM", num_key_value_heads=2)
text("mamba", "Mamba", "ForCausalLM", {}, vocab_size=100, hidden_size=32, num_hidden_layers=2, state_size=4, tokens=8)
text("xlnet", "XLNet", base={}, vocab_size=100, d_model=32, n_layer=2, n_head=4, d_inner=64)
text("xlnet_long", "XLNet", base={}, tokens=512, vocab_size=100, d_model=32, n_layer=2, n_head=4, d_inner=64)
text("t5_encoder", "T5", "EncoderModel", {}, output="last_hidden_state", vocab_size=100, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
hugging_face("clip_text", "CLIPTextModel", "CLIPTextConfig", output="last_hidden_state", eos_token_id=99, **TEXT)
vision("vit_hf", "ViT")
vision("deit", "DeiT")
vision("beit", "Beit")
vision("dinov2", "Dinov2", base={}, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8)
hugging_face("clip_vision", "CLIPVisionModel", "CLIPVisionConfig", image=32, output="pooler_output", **VISION)
vision("segformer", "Segformer", 64, base={}, depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 32, 64], num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=32)
vision("mobilevit", "MobileViT", 64, base={}, hidden_sizes=[24, 32, 40], neck_hidden_sizes=[8, 16, 24, 32, 40, 48, 64])
vision("convnextv2", "ConvNextV2", 64, base={}, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32])
vision("poolformer", "PoolFormer", 64, base={}, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32])
vision("levit", "Levit", 64, base={}, image_size=64, hidden_sizes=[16, 32, 48], num_attention_heads=[2, 2, 2], depths=[1, 1, 1], key_dim=[8, 8, 8])
vision("resnet_hf", "ResNet", 64, base={}, embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], layer_type="basic")
for name in ("efficientnet_v2_s", "mnasnet0_5", "alexnet", "resnext50_32x4d"):
    torchvision(name, num_classes=10)
torchvision("googlenet", num_classes=10, init_weights=False, aux_logits=False)
torchvision("inception_v3", 96, num_classes=10, init_weights=False, aux_logits=False)
for name in ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"):
    torchvision(name, segments=True, weights_backbone=None, num_classes=5)
for name in ("mixer_s32_224", "resmlp_12_224", "coatnet_pico_rw_224", "gmlp_s16_224", "xcit_nano_12_p16_224", "visformer_tiny"):
    timm(name, img_size=64)
for name in ("repvgg_a0", "ghostnet_050", "nf_resnet26", "hrnet_w18_small", "dla34", "cspresnet50", "edgenext_xx_small", "fastvit_t8", "tinynet_e", "vovnet39a"):
    timm(name)
timm("crossvit_tiny_240", 240)


def family(function):
    FAMILIES[function.__name__] = function
    return function


@family
def swin_v2():
    import torchvision.models as models
    blocks = models.swin_transformer
    return models.SwinTransformer(patch_size=[4, 4], embed_dim=16, depths=[2, 2], num_heads=[1, 2], window_size=[4, 4], num_classes=10,
                                  block=blocks.SwinTransformerBlockV2, downsample_layer=blocks.PatchMergingV2), zoo.images()


@family
def maxvit():
    import torchvision.models as models
    return models.MaxVit(input_size=(64, 64), stem_channels=8, partition_size=2, block_channels=[8, 16], block_layers=[1, 1], head_dim=8,
                         stochastic_depth_prob=0, num_classes=10), zoo.images()


@family
def encoder_decoder():
    import torch
    nn = torch.nn

    class Translator(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Transformer(32, 4, 1, 1, 64, batch_first=True, dropout=0.0)
            self.embedding, self.head = nn.Embedding(100, 32), nn.Linear(32, 100)

        def forward(self, x):
            tokens = self.embedding(x)
            mask = nn.Transformer.generate_square_subsequent_mask(8)
            return self.head(self.layers(tokens[:, :8], tokens[:, 8:], tgt_mask=mask))

    return Translator(), torch.randint(0, 100, (zoo.BATCH, 16))


@family
def temporal():
    import torch
    nn = torch.nn
    return nn.Sequential(nn.Conv1d(3, 16, 3, padding=4, dilation=2), nn.PReLU(16), nn.ConstantPad1d((0, -2), 0.0),
                         nn.utils.parametrizations.weight_norm(nn.Conv1d(16, 8, 3, padding=1)), nn.ELU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(),
                         nn.Linear(32, 5)), torch.randn(zoo.BATCH, 3, 32)


@family
def volumes():
    import torch
    nn = torch.nn
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.InstanceNorm3d(4, affine=True), nn.LeakyReLU(), nn.MaxPool3d(2), nn.Conv3d(4, 8, 3), nn.Mish(),
                         nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 3)), torch.randn(zoo.BATCH, 1, 8, 8, 8)


@family
def bidirectional_lstm():
    import torch
    nn = torch.nn

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = nn.Embedding(50, 16), nn.Linear(24, 5)
            self.layers = nn.LSTM(16, 12, 2, batch_first=True, bidirectional=True)

        def forward(self, x):
            y, (h, _) = self.layers(self.embedding(x))
            return self.head(torch.cat([h[-1], h[-2]], 1) + y.max(1)[0])

    return Recurrent(), torch.randint(0, 50, (zoo.BATCH, 12))


@contextlib.contextmanager
def silent_output():
    """Without what PyTorch prints of a graph that it cannot write, also from C++."""
    sys.stdout.flush()
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def attempt(dtc, name, way, path):
    """What is said of a family: `ok`, or why not; whether that is the compiler's word."""
    if not os.path.exists(path):
        zoo.FAMILIES[name] = FAMILIES[name]
        try:
            with silent_output():
                zoo.export(name, way, path)
        except Exception as error: # whatever PyTorch has no form for
            return f"no file: {type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}", False
    result = subprocess.run([dtc, path, "--loss=cross-entropy", "--optimizer=sgd", f"--batch={zoo.BATCH}", "--emit=grad", "-o", "/dev/null"],
                            capture_output=True, text=True)
    if result.returncode == 0:
        return "ok", False
    errors = [line for line in result.stderr.splitlines() if "error" in line or "note" in line]
    return f"status {result.returncode}: {' '.join(errors[:2])[:400]}", True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--models", default=",".join(FAMILIES))
    parser.add_argument("--ways", default="ts_train,dynamo")
    parser.add_argument("--dtc", default=os.path.join(zoo.ROOT, "build", "release", "bin", "dtc"))
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    refused = 0
    for name in arguments.models.split(","):
        for way in arguments.ways.split(","):
            said, is_refused = attempt(arguments.dtc, name, way, os.path.join(arguments.folder, f"{name}-{way}.onnx"))
            print(f"{name:24} {way:9} {said}", flush=True)
            refused += is_refused
    sys.exit(bool(refused))


if __name__ == "__main__":
    main()

# How lit finds and runs the tests.
import importlib.util
import os
import shutil
import subprocess
import sys
import lit.formats

config.name = "dtc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".dt"]
config.excludes = ["Inputs", "reference", "Unit", "bench", "fuzz", "gpu", "CMakeLists.txt"]
config.test_source_root = os.path.join(config.dtc_source, "test")
config.test_exec_root = os.path.join(config.dtc_build, "test")

config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.dtc_build, "bin"), config.llvm_tools,
     config.environment["PATH"]])
for name in ("HOME", "CCACHE_DIR", "CCACHE_BASEDIR"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
# Four ranks share whatever cores there are, whoever runs the tests.
config.environment.update({
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
})
# A file system of one's own for shared memory, as root in a namespace.
if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/dev/shm"], capture_output=True).returncode == 0:
    config.available_features.add("own-mounts")
# Of people's environments for Python: it reads the models that dtc writes.
if all(importlib.util.find_spec(name) for name in ("numpy", "onnx", "onnxruntime")):
    config.available_features.add("onnxruntime")
if shutil.which("dot"):
    config.available_features.add("graphviz")

def find_nvcc():
    """As dtc looks for it."""
    folders = [os.path.join(os.environ[name], "bin") for name in ("CUDA_HOME", "CUDA_PATH") if os.environ.get(name)]
    folders += [os.environ["PATH"], "/usr/local/cuda/bin"]
    named = os.environ.get("NVCC") or os.environ.get("CUDACXX")
    return shutil.which(named) if named else shutil.which("nvcc", path=os.pathsep.join(folders))


# Programs for GPUs are compiled where nvcc is, and linked where dtcrt_cuda could be built.
nvcc = find_nvcc()
if nvcc:
    config.available_features.add("nvcc")
    config.substitutions.append(("%nvcc", nvcc))
    for name in ("NVCC", "CUDACXX", "CUDA_HOME", "CUDA_PATH"):
        if name in os.environ:
            config.environment[name] = os.environ[name]
else:
    lit_config.note("no nvcc: tests that compile programs for GPUs are unsupported")
if os.path.exists(os.path.join(config.dtc_build, "lib", "libdtcrt_cuda.a")):
    config.available_features.add("dtcrt-cuda")
elif nvcc:
    lit_config.note("no libdtcrt_cuda.a: tests that link programs for GPUs are unsupported")
config.substitutions.append(("%dtc_source", config.dtc_source))
config.substitutions.append(("%dtc_build", config.dtc_build))
config.substitutions.append(("%python", sys.executable))

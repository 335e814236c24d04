# How lit finds and runs the tests.
import os
import shutil
import sys
import lit.formats

config.name = "dtc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".dt"]
config.excludes = ["Inputs", "reference", "Unit", "bench", "CMakeLists.txt"]
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
if shutil.which("dot"):
    config.available_features.add("graphviz")
config.substitutions.append(("%dtc_source", config.dtc_source))
config.substitutions.append(("%dtc_build", config.dtc_build))
config.substitutions.append(("%python", sys.executable))

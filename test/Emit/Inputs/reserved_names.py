"""Words that mean something where emitted programs are compiled, as the names of a model.

    reserved_names.py all|some HEADERS -- COMPILER [FLAG...]    an rt program whose buffers, constants, kernels, fragments and messages have them
    reserved_names.py check SOURCE -- COMPILER [FLAG...]        of its text: no identifier is a macro or a keyword, and none is there twice

The words are all identifiers of the runtime's HEADERS, C++'s keywords, and macros of these headers, of the C library's and of POSIX's: all,
or some, those that do not look like macros.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

KEYWORDS = """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl concept const
consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do double dynamic_cast else enum explicit
export extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private
protected public register reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template this
thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq final override import
module typeof""".split()

SYSTEM_HEADERS = """aio.h arpa/inet.h assert.h complex.h ctype.h dirent.h dlfcn.h elf.h errno.h fcntl.h fenv.h float.h fnmatch.h ftw.h glob.h
grp.h inttypes.h iso646.h langinfo.h libgen.h limits.h link.h locale.h math.h mqueue.h net/if.h netdb.h netinet/in.h netinet/tcp.h poll.h
pthread.h pwd.h regex.h sched.h search.h semaphore.h setjmp.h signal.h spawn.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h
strings.h sys/ioctl.h sys/ipc.h sys/mman.h sys/msg.h sys/param.h sys/resource.h sys/select.h sys/sem.h sys/shm.h sys/socket.h sys/stat.h
sys/statvfs.h sys/syscall.h sys/sysmacros.h sys/time.h sys/times.h sys/types.h sys/uio.h sys/un.h sys/utsname.h sys/wait.h syslog.h termios.h
tgmath.h time.h unistd.h utime.h wchar.h wctype.h omp.h""".split()


def macros(command):
    """The object-like ones of all these headers, for a compiler that is not strict."""
    text = "#include <dtcrt/program.h>\n#include <dtcrt/measure.h>\n"
    text += "".join(f"#if __has_include(<{header}>)\n#include <{header}>\n#endif\n" for header in SYSTEM_HEADERS)
    is_nvcc = command[0].endswith("nvcc")
    with tempfile.NamedTemporaryFile("w", suffix=".cu" if is_nvcc else ".cpp") as file:
        file.write(text)
        file.flush()
        options = ["-Xcompiler", "-dM"] if is_nvcc else ["-std=gnu++20", "-dM"]
        output = subprocess.run([*command, "-D_GNU_SOURCE", "-w", "-E", *options, file.name], capture_output=True, text=True, check=True).stdout
    found = set(re.findall(r"^#define (\w+)(?: |$)", output, re.MULTILINE))
    assert len(found) > 1000
    return found


def quoted(name):
    return '"' + name + '"'


def print_program(words, calls):
    print("""rt.program @all arena(4096) attributes {model = "words", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>,
    batch = 4 : i64, local_batch = 4 : i64, axes = ["pipe"], mesh = array<i64: 1>, at = {pipe = 0}} {""")
    buffer, count = {}, 0
    for word in words:
        buffer[word] = f"%{count}"
        print(f"  %{count} = rt.buffer temporary {quoted(word)} offset 0 : memref<4xf32>")
        count += 1
    # The same word once more, and one that is the same but for what an identifier leaves out.
    for word in words[::50]:
        for again in (word, word + "."):
            print(f"  %{count} = rt.buffer temporary {quoted(again)} offset 0 : memref<4xf32>")
            count += 1
    for word in words[::20]:
        print(f"  %{count} = rt.constant {quoted(word)} dense<1.0> : tensor<4xf32> : memref<4xf32>")
        count += 1
    for word in calls:
        print(f"""  rt.kernel @"{word}" grid [4] reads [affine_map<(d0) -> (d0)>] writes [affine_map<(d0) -> (d0)>] formula "f" {{
  ^bb0(%x: f32):
    %e = math.exp %x : f32
    %c = arith.cmpf ogt, %e, %x : f32
    %y = arith.select %c, %x, %e : f32
    rt.yield %y : f32
  }}""")
    a, b = buffer[words[0]], buffer[words[1]]
    print(f"""  rt.fragment @"launches" flops 0.0 bytes 0 {{
    rt.call "copy"({a}) -> ({b}) : (memref<4xf32>) -> memref<4xf32>""")
    for word in calls:
        print(f'    rt.launch @"{word}"({a}) -> ({b}) : (memref<4xf32>) -> memref<4xf32>')
    print("  }")
    for word in calls:
        print(f'  rt.fragment @"{word}." flops 0.0 bytes 0 {{\n  }}')
    print('  rt.timeline @train phase "train" {')
    print('    rt.run @"launches"')
    for word in calls:
        print(f'    rt.run @"{word}."')
    for i, word in enumerate(calls):
        print(f'    %p{i} = rt.send_start {buffer[word]} {quoted(word)} to 1 over "pipe" : memref<4xf32>')
        print(f"    rt.wait %p{i}")
    print("  }\n}")


def check(source, command):
    text = pathlib.Path(source).read_text()
    struct = text[text.index("struct Buffers {"):text.index("\n};", text.index("struct Buffers {"))]
    members = re.findall(r"^  Tensor<\w+> (\w+)\{", struct, re.MULTILINE)
    functions = re.findall(r"^(?:struct|void) (\w+)[ (]", text, re.MULTILINE)
    variables = re.findall(r"^  Pending (\w+) =", text, re.MULTILINE)
    arrays = re.findall(r"^(?:__device__ alignas\(64\) )?f32 (\w+)\[\] =", text, re.MULTILINE)
    assert len(members) > 500 and len(functions) > 100 and len(variables) > 100 and len(arrays) > 20
    bad = macros(command) | set(KEYWORDS[:-5])
    for kind, names in (("member", members), ("function", functions), ("variable", variables), ("array", arrays)):
        twice = {name for name in names if names.count(name) > 1} if len(names) != len(set(names)) else set()
        assert not twice, f"{kind}s that are there twice: {twice}"
        assert not bad & set(names), f"{kind}s that are macros or keywords: {sorted(bad & set(names))}"


split = sys.argv.index("--")
(what, place), command = sys.argv[1:split], sys.argv[split + 1:]
if what == "check":
    check(place, command)
    sys.exit()
headers = "".join(re.sub(r"//.*", "", path.read_text()) for path in sorted(pathlib.Path(place).glob("*.h")))
words = set(re.findall(r"[A-Za-z_]\w*", headers)) | set(KEYWORDS)
words |= {word for word in macros(command) if what == "all" or not re.match(r"_|[A-Z][A-Z0-9_]", word)}
functions = set(re.findall(r"\b([a-z]\w*)\s*\(", headers)) | {"relu", "index", "step"}
print_program(sorted(words), sorted(functions))

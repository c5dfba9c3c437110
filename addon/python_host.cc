#include "python_host.h"

#include <dlfcn.h>
#include <pybind11/embed.h>
#include <unistd.h>

#include <atomic>
#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

namespace py = pybind11;
namespace fs = std::filesystem;

namespace memory64 {

// The addon that has Python in this process. Every copy of this addon is loaded locally and has
// statics of its own, but GCC gives an inline variable that is visible one address in the whole
// process (STB_GNU_UNIQUE), so that two copies which start at the same moment cannot both win,
// even when they were built for different versions of Python.
[[gnu::visibility("default")]] inline std::atomic<const char*> python_owner{nullptr};

namespace {

const std::string kVersion =
    std::to_string(PY_MAJOR_VERSION) + "." + std::to_string(PY_MINOR_VERSION);

[[noreturn]] void Refuse(const std::string& what, const std::string& remedy) {
  throw FailureException(Failure::Engine("Python could not be started: " + what + " " + remedy));
}

// The file that holds an address: this addon, or libpython.
fs::path FileOf(const void* address) {
  Dl_info info;
  if (dladdr(address, &info) == 0) return {};
  return info.dli_fname;
}

fs::path ThisAddon() {
  return FileOf(reinterpret_cast<const void*>(&PythonHost::Get));
}

// The interpreter of the virtual environment beside this addon: build/Release lies two levels below
// the package.
fs::path FindBesideAddon() {
  fs::path folder = ThisAddon().parent_path();
  for (int level = 0; level <= 2; ++level, folder = folder.parent_path()) {
    fs::path candidate = folder / ".venv" / "bin" / "python";
    if (fs::exists(candidate)) return candidate;
  }
  return {};
}

// Its folder resolved, but not the file itself: Python finds its virtual environment by where the
// symlink lies.
fs::path ResolveFolder(const fs::path& executable) {
  return fs::canonical(executable.parent_path()) / executable.filename();
}

fs::path FindPython(const std::string& named) {
  if (!named.empty()) {
    if (!fs::is_regular_file(named)) {
      Refuse("MEMORY64_PYTHON names " + named + ", which is not a file.",
             "Name the python of a virtual environment that has memory64, or unset it.");
    }
    return ResolveFolder(named);
  }
  if (fs::path beside = FindBesideAddon(); !beside.empty()) return ResolveFolder(beside);
  if (fs::path built_for = MEMORY64_BUILT_FOR_PYTHON; fs::exists(built_for)) return built_for;
  Refuse(
      "its virtual environment is gone (looked for .venv beside the addon and "
      "for " MEMORY64_BUILT_FOR_PYTHON ").",
      "Run npm install again, or name a python with MEMORY64_PYTHON.");
}

// Python would start all the same and then take the packages of another version, or none.
void CheckVersion(const fs::path& executable) {
  fs::path root = executable.parent_path().parent_path();
  if (fs::is_directory(root / "lib" / ("python" + kVersion))) return;
  Refuse(executable.string() + " is not Python " + kVersion + ", for which this addon was built (" +
             (root / "lib" / ("python" + kVersion)).string() + " is missing).",
         "Rebuild with npm install, or name a Python " + kVersion + " with MEMORY64_PYTHON.");
}

// From here on no other copy can have it, also where Python then fails to start: it does not start
// twice in a process.
void ClaimPython() {
  static auto* self = new std::string(ThisAddon());  // for as long as other copies may ask for it
  const char* owner = nullptr;
  if (!python_owner.compare_exchange_strong(owner, self->c_str())) {
    Refuse("another copy of memory64 has it in this process (" + std::string(owner) + ").",
           "Load only one copy; npm ls memory64 shows who brings which.");
  }
  if (Py_IsInitialized()) {
    Refuse("another addon of this process has started one already.",
           "Load no other addon that embeds Python.");
  }
}

// Python's own extension modules take its symbols from the process, which did not load it globally.
// This addon stays local: made global, it would hijack the initialisation of other addons.
void ExposeLibpython() {
  std::string library = FileOf(&PyType_Type);
  if (!dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD)) {
    Refuse(std::string("libpython cannot be made visible: ") + dlerror() + ".",
           "Rebuild with npm install.");
  }
}

void Check(const PyStatus& status) {
  if (PyStatus_Exception(status)) {
    Refuse(status.err_msg ? std::string(status.err_msg) + "." : "it gave no reason.",
           "Run npm install again.");
  }
}

struct Config : PyConfig {
  Config() { PyConfig_InitIsolatedConfig(this); }
  ~Config() { PyConfig_Clear(this); }
};

// Python 3.11 reads .pth files, one of which names this package's folder, in the locale's encoding.
// Node never leaves the "C" locale, which knows ASCII only. This concerns the calling thread alone.
void UseUtf8Locale() {
  uselocale(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr));
}

#if defined(__SANITIZE_ADDRESS__)
// LeakSanitizer searches what malloc gave, and not what Python maps itself: the frames of functions
// under way, in which a waiting thread may have the only reference to something.
void KeepFramesWhereTheyAreSearched() {
  PyObjectArenaAllocator allocator{nullptr,
                                   [](void*, std::size_t size) { return std::malloc(size); },
                                   [](void*, void* arena, std::size_t) { std::free(arena); }};
  PyObject_SetArenaAllocator(&allocator);
}
#endif

void Initialize(const fs::path& executable) {
  UseUtf8Locale();
  PyPreConfig before;
  PyPreConfig_InitIsolatedConfig(&before);
  before.utf8_mode = 1;
#if defined(__SANITIZE_ADDRESS__)
  before.allocator = PYMEM_ALLOCATOR_MALLOC;  // so that Python's own objects are watched too
#endif
  Check(Py_PreInitialize(&before));
#if defined(__SANITIZE_ADDRESS__)
  KeepFramesWhereTheyAreSearched();
#endif

  Config config;
  config.install_signal_handlers = 0;  // Ctrl-C belongs to JavaScript
  config.parse_argv = 0;
  config.site_import = 1;
  config.buffered_stdio = 0;
  Check(PyConfig_SetBytesString(&config, &config.executable, executable.c_str()));
  Check(PyConfig_SetBytesString(&config, &config.program_name, executable.c_str()));
  Check(Py_InitializeFromConfig(&config));
}

// Node exports an OpenSSL and a zlib of its own, which would take the place of Python's.
void PreferOwnLibraries() {
#if !defined(__SANITIZE_ADDRESS__)  // AddressSanitizer ends the process over RTLD_DEEPBIND
  py::module_ os = py::module_::import("os");
  if (!py::hasattr(os, "RTLD_DEEPBIND")) return;
  py::object flags = os.attr("RTLD_NOW") | os.attr("RTLD_DEEPBIND");
  py::module_::import("sys").attr("setdlopenflags")(flags);
#endif
}

py::handle ImportBridge(const fs::path& executable) {
  try {
    // The first thread to import it becomes Python's main thread.
    py::module_::import("threading");
    PreferOwnLibraries();
    return py::module_::import("memory64.bridge").release();
  } catch (py::error_already_set&) {
    Failure failure = Failure::Current();
    failure.message = "Python (" + executable.string() +
                      ") could not import memory64.bridge: " + failure.type + ": " +
                      failure.message + ". Run npm install again.";
    failure.code = Failure::Engine({}).code;
    throw FailureException(std::move(failure));
  }
}

}  // namespace

PythonHost& PythonHost::Get() {
  static auto* host = new PythonHost();
  return *host;
}

void PythonHost::Start() {
  [[maybe_unused]] thread_local LeavingEarly of_this_thread;
  std::call_once(started_, [this] {
    const char* named = std::getenv("MEMORY64_PYTHON");
    std::thread(&PythonHost::Live, this, std::string(named ? named : "")).detach();
    LeaveEarlyAtExit();
    // Python reads the environment while it starts, and JavaScript changes it on this thread.
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return initialized_ || settled_; });
  });
}

// Handlers run last in, first out, and libraries that Python loads later register handlers too
// (OpenSSL). The objects of the thread that exits end before any handler runs, so what is
// registered then comes first.
PythonHost::LeavingEarly::~LeavingEarly() {
  LeaveEarlyAtExit();
}

// A library's destructor that runs while another thread is inside that library hangs the exit
// (OpenBLAS) or crashes it (OpenSSL). Only on_exit learns the status; elsewhere it cannot be kept.
void PythonHost::LeaveEarlyAtExit() {
#if defined(__linux__)
  on_exit([](int status, void*) { LeaveIfBusy(status); }, nullptr);
#else
  std::atexit([] { LeaveIfBusy(EXIT_FAILURE); });
#endif
}

void PythonHost::LeaveIfBusy(int status) {
  if (Get().busy_ == 0) return;
  // What Node would have done after this: a terminal that it made raw would stay so. Hosts other
  // than Node may lack the function.
  void* reset = dlsym(RTLD_DEFAULT, "uv_tty_reset_mode");
  if (reset) reinterpret_cast<int (*)()>(reset)();
  _exit(status);
}

const std::optional<Failure>& PythonHost::WaitUntilStarted() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return settled_; });
  return failure_;
}

void PythonHost::Live(const std::string& named) {
  std::optional<Failure> failure;
  try {
    Busy starting;
    Boot(named);
  } catch (const std::exception&) {
    failure = Failure::Current();
  }
  bool running = !failure;
  {
    std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    settled_ = true;
  }
  changed_.notify_all();
  if (running) ReapForever();
}

void PythonHost::Boot(const std::string& named) {
  fs::path executable = FindPython(named);
  CheckVersion(executable);
  ClaimPython();
  ExposeLibpython();
  Initialize(executable);
  {
    std::lock_guard lock(mutex_);
    initialized_ = true;
  }
  changed_.notify_all();
  struct LetOthersIn {
    PyThreadState*& thread;
    ~LetOthersIn() { thread = PyEval_SaveThread(); }
  } at_the_end{thread_};
  bridge_ = ImportBridge(executable);
}

void PythonHost::Reap(Garbage garbage) {
  {
    std::lock_guard lock(mutex_);
    garbage_.push_back(std::move(garbage));
  }
  changed_.notify_all();
}

void PythonHost::ReapForever() {
  for (;;) {
    std::vector<Garbage> garbage;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !garbage_.empty(); });
      garbage.swap(garbage_);
    }
    Busy reaping;
    PyEval_RestoreThread(thread_);
    garbage.clear();
    thread_ = PyEval_SaveThread();
  }
}

}  // namespace memory64

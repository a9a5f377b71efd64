// A library that tests load before the server (LD_PRELOAD) to make its disk fail, dawdle or
// remember: it stands between kiln-server and the calls that change files; and to set its clock.
//
// KILN_FAULTS_DIR is the folder meant, as an absolute path; other files, and sockets, are left
// alone. KILN_FAULTS_CONTROL is a file with the Control below, which the test maps too and changes
// while the server runs. KILN_FAULTS_TRACE, where it is set, is appended to: a Record for each
// call that succeeded, in the order in which they happened (tests/persist/faults.py reads both).
//
// A "step" is one call that changes the folder or syncs; the control counts them, and can end the
// process at one as SIGKILL does.
//
// Thread safety: all functions, any thread. Calls that change are made one at a time, so that the
// trace is in their order; syncs are not, and leave two records.

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>

namespace {

// All fields are native 64-bit integers; `only` is the last: what the name of a file must contain
// for the errors and delays, empty for all.
struct Control {
  int64_t sync_error;      // errno of fsync and fdatasync
  int64_t sync_delay_us;   // before each of them
  int64_t write_error;     // errno of write, once room_bytes are used up
  int64_t room_bytes;      // that writes with write_error may still take
  int64_t max_write;       // bytes that one write takes at most; 0: any
  int64_t change_error;    // errno of rename, of unlink and of opening to create
  int64_t truncate_error;  // errno of ftruncate
  int64_t kill_at_step;    // the number of a step, from 1; 0: never
  int64_t kill_halfway;    // 0: before it; 1: a write is made by half; 2: after it
  int64_t steps;           // counted here
  int64_t syncs;           // begun
  int64_t syncs_done;
  int64_t clock_offset_s;  // how far the wall clock is from the true one; others go on as they do
  char only[64];
};

struct Record {
  char op;
  char unused[3];
  int32_t fd;
  int64_t number;  // open: flags; ftruncate: length; dup: the new descriptor; pwrite: where
  uint32_t name_bytes;
  uint32_t data_bytes;
};

constexpr int kMaxFd = 1 << 16;
std::atomic<bool> is_ours[kMaxFd];
std::atomic<bool> is_meant[kMaxFd];  // by `only`
std::mutex mutex;
std::string* folder = nullptr;
Control* control = nullptr;
int trace = -1;

template <class Function>
Function* Real(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}
#define REAL(name)                            \
  (*[] {                                      \
    static auto* real = Real(&::name, #name); \
    return real;                              \
  }())

__attribute__((constructor)) void Start() {
  const char* dir = getenv("KILN_FAULTS_DIR");
  const char* control_path = getenv("KILN_FAULTS_CONTROL");
  if (dir == nullptr || control_path == nullptr) return;
  int fd = REAL(open)(control_path, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();
  void* at = mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) abort();
  REAL(close)(fd);
  if (const char* path = getenv("KILN_FAULTS_TRACE"))
    trace = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  control = static_cast<Control*>(at);
  static std::string folder_text;
  folder_text = dir;
  folder = &folder_text;
}

// The name within the folder; false: it is not in there. The folder itself is "".
bool NameOf(const char* path, std::string* name) {
  if (folder == nullptr) return false;
  std::string whole = path;
  char here[PATH_MAX];
  if (path[0] != '/') {
    if (getcwd(here, sizeof(here)) == nullptr) return false;
    whole = whole == "."
                ? here
                : std::string(here) + '/' + (path[0] == '.' && path[1] == '/' ? path + 2 : path);
  }
  if (whole == *folder) return name->clear(), true;
  if (!whole.starts_with(*folder + '/')) return false;
  *name = whole.substr(folder->size() + 1);
  return true;
}

bool IsMeant(std::string_view name) {
  return name.find(std::string_view(control->only)) != std::string_view::npos;
}

bool IsOurs(int fd) {
  return folder != nullptr && fd >= 0 && fd < kMaxFd && is_ours[fd];
}

void Note(char op, int fd, int64_t number, std::string_view name, std::string_view data = {}) {
  if (trace < 0) return;
  Record record{
      op, {}, fd, number, static_cast<uint32_t>(name.size()), static_cast<uint32_t>(data.size())};
  std::string text(reinterpret_cast<const char*>(&record), sizeof(record));
  text += name;
  text += data;
  if (REAL(write)(trace, text.data(), text.size()) != static_cast<ssize_t>(text.size())) abort();
}

int64_t Count(int64_t* counter) {
  return std::atomic_ref<int64_t>(*counter).fetch_add(1) + 1;
}

void Kill() {
  kill(getpid(), SIGKILL);
  pause();
}

// Begins a step; true when the process is to end in the middle or at the end of it.
bool BeginStep() {
  bool is_last = Count(&control->steps) == control->kill_at_step;
  if (is_last && control->kill_halfway == 0) Kill();
  return is_last;
}

bool Fails(int64_t error, bool is_meant_file) {
  if (error == 0 || !is_meant_file) return false;
  errno = static_cast<int>(error);
  return true;
}

void Remember(int fd, std::string_view name, int flags) {
  if (fd < 0 || fd >= kMaxFd) return;
  is_ours[fd] = true;
  is_meant[fd] = IsMeant(name);
  Note('o', fd, flags, name);
}

template <class Call>
int Open(const char* path, int flags, Call call) {
  std::string name;
  bool reads = (flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR | O_DIRECTORY)) == 0;
  if (reads || !NameOf(path, &name)) return call();
  std::lock_guard<std::mutex> lock(mutex);
  bool changes = (flags & (O_CREAT | O_TRUNC)) != 0;
  bool is_last = changes && BeginStep();
  if (changes && Fails(control->change_error, IsMeant(name))) return -1;
  int fd = call();
  Remember(fd, name, flags);
  if (is_last) Kill();
  return fd;
}

// rename, unlink, mkdir: calls on names.
template <class Call>
int Change(char op, const char* path, const char* to, Call call) {
  std::string name;
  std::string new_name;
  if (!NameOf(path, &name) || (to != nullptr && !NameOf(to, &new_name))) return call();
  std::lock_guard<std::mutex> lock(mutex);
  bool is_last = BeginStep();
  if (Fails(control->change_error, IsMeant(to == nullptr ? name : new_name))) return -1;
  int result = call();
  if (result == 0) Note(op, -1, 0, name, new_name);
  if (is_last) Kill();
  return result;
}

template <class Call>
int Sync(int fd, Call call) {
  if (!IsOurs(fd)) return call();
  bool is_last = false;
  {
    std::lock_guard<std::mutex> lock(mutex);
    is_last = BeginStep();
    Count(&control->syncs);
    Note('s', fd, 0, "");
  }
  bool is_meant_file = is_meant[fd];
  if (control->sync_delay_us > 0 && is_meant_file)
    usleep(static_cast<useconds_t>(control->sync_delay_us));
  if (is_last && control->kill_halfway == 1) Kill();
  int result = Fails(control->sync_error, is_meant_file) ? -1 : call();
  int why = errno;
  std::lock_guard<std::mutex> lock(mutex);
  Count(&control->syncs_done);
  if (result == 0) Note('S', fd, 0, "");
  if (is_last) Kill();
  errno = why;
  return result;
}

template <class Call>
int Truncate(int fd, off_t length, Call call) {
  if (!IsOurs(fd)) return call();
  std::lock_guard<std::mutex> lock(mutex);
  bool is_last = BeginStep();
  if (Fails(control->truncate_error, is_meant[fd])) return -1;
  int result = call();
  if (result == 0) Note('t', fd, length, "");
  if (is_last) Kill();
  return result;
}

// How many of the bytes the next write takes; 0: it fails.
size_t Room(size_t size, bool is_meant_file) {
  if (!is_meant_file) return size;
  if (control->max_write > 0) size = std::min(size, static_cast<size_t>(control->max_write));
  if (control->write_error == 0) return size;
  size = std::min(size, static_cast<size_t>(std::max<int64_t>(control->room_bytes, 0)));
  control->room_bytes -= static_cast<int64_t>(size);
  return size;
}

template <class Call>
ssize_t Write(char op, int fd, const void* bytes, size_t size, off_t at, Call call) {
  std::lock_guard<std::mutex> lock(mutex);
  bool is_last = BeginStep();
  if (is_last && control->kill_halfway == 1) size /= 2;
  size_t taken = Room(size, is_meant[fd]);
  if (taken == 0 && size > 0) return Fails(control->write_error, true), -1;
  ssize_t result = call(taken);
  if (result > 0)
    Note(op, fd, at, "", {static_cast<const char*>(bytes), static_cast<size_t>(result)});
  if (is_last) Kill();
  return result;
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

// Without dlsym, which allocates: allocators ask for the time.
EXPORTED int clock_gettime(clockid_t clock, timespec* now) {
  int status = static_cast<int>(syscall(SYS_clock_gettime, clock, now));
  if (status == 0 && control != nullptr && clock == CLOCK_REALTIME)
    now->tv_sec += control->clock_offset_s;
  return status;
}

EXPORTED int open(const char* path, int flags, ...) {
  va_list words;
  va_start(words, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(words, mode_t) : 0;
  va_end(words);
  return Open(path, flags, [&] { return REAL(open)(path, flags, mode); });
}

EXPORTED int open64(const char* path, int flags, ...) {
  va_list words;
  va_start(words, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(words, mode_t) : 0;
  va_end(words);
  return Open(path, flags, [&] { return REAL(open)(path, flags, mode); });
}

// Its name is known only when it is there.
EXPORTED int mkostemp(char* path, int flags) {
  std::string name;
  if (!NameOf(path, &name)) return REAL(mkostemp)(path, flags);
  std::lock_guard<std::mutex> lock(mutex);
  bool is_last = BeginStep();
  if (Fails(control->change_error, IsMeant(name))) return -1;
  int fd = REAL(mkostemp)(path, flags);
  (void)NameOf(path, &name);
  Remember(fd, name, flags | O_RDWR | O_CREAT | O_EXCL);
  if (is_last) Kill();
  return fd;
}

EXPORTED int dup(int fd) noexcept {
  int copy = REAL(dup)(fd);
  if (!IsOurs(fd) || copy < 0 || copy >= kMaxFd) return copy;
  std::lock_guard<std::mutex> lock(mutex);
  is_ours[copy] = true;
  is_meant[copy] = is_meant[fd].load();
  Note('d', fd, copy, "");
  return copy;
}

EXPORTED int close(int fd) {
  if (!IsOurs(fd)) return REAL(close)(fd);
  std::lock_guard<std::mutex> lock(mutex);
  is_ours[fd] = false;
  Note('c', fd, 0, "");
  return REAL(close)(fd);
}

EXPORTED ssize_t write(int fd, const void* bytes, size_t size) {
  if (!IsOurs(fd)) return REAL(write)(fd, bytes, size);
  return Write('w', fd, bytes, size, 0,
               [&](size_t taken) { return REAL(write)(fd, bytes, taken); });
}

EXPORTED ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  if (!IsOurs(fd)) return REAL(pwrite)(fd, bytes, size, at);
  return Write('p', fd, bytes, size, at,
               [&](size_t taken) { return REAL(pwrite)(fd, bytes, taken, at); });
}

EXPORTED int fsync(int fd) {
  return Sync(fd, [&] { return REAL(fsync)(fd); });
}

EXPORTED int fdatasync(int fd) {
  return Sync(fd, [&] { return REAL(fdatasync)(fd); });
}

EXPORTED int ftruncate(int fd, off_t length) noexcept {
  return Truncate(fd, length, [&] { return REAL(ftruncate)(fd, length); });
}

EXPORTED int rename(const char* from, const char* to) noexcept {
  return Change('r', from, to, [&] { return REAL(rename)(from, to); });
}

EXPORTED int unlink(const char* path) noexcept {
  return Change('u', path, nullptr, [&] { return REAL(unlink)(path); });
}

EXPORTED int mkdir(const char* path, mode_t mode) noexcept {
  return Change('m', path, nullptr, [&] { return REAL(mkdir)(path, mode); });
}

/* The programs /opt/reaper/reaper and /opt/reaper/reaperctl. Each starts the program of the same name
 * in lib/ beside it.
 *
 * They are static, so that they run in any image, and can say what is wrong if a part of lib/ is
 * missing. They call the loader in lib/ by its path, so the folder may be anywhere. Variables whose
 * names begin with _PYI_, like the bootloader's own, tell the program how it was started. They come
 * after all other variables, and the init takes them out again before main's exec.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OWN_FAILURE = 125, ERROR = 2, VARIABLES = 5 };
enum { LONGEST = 256 }; /* bytes after the folder's path: /lib/ and a file in it */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The files of lib/: `native` (the loader first) are loaded at each start, `others` are all others. */
#include "files.h"

extern const ElfW(Ehdr) __ehdr_start; /* our own ELF header; the linker provides it */
static const uint64_t of_libc = UINT64_C(3) << 31; /* signals 32 and 33: never touch them */

static char self[PATH_MAX];
static const char *folder = self, *name = "reaper";

static int
is_init(void)
{
    return strcmp(name, "reaperctl") != 0;
}

static void
leave(const char *file)
{
    const char *cure = "copy the folder that it came in whole, and link to it from elsewhere";
    if (errno == EACCES)
        cure = "make it readable and executable for this user, on no file system mounted noexec";
    if (errno == ENOEXEC)
        cure = "it is built for another machine than this one, or not whole";
    if (errno == ENAMETOOLONG || errno == EINVAL)
        cure = "move the folder to a short path of UTF-8 without \":\", \";\" and \"$\"";
    fprintf(stderr, "%s: %s: %s; %s\n", name, file, strerror(errno), cure);
    exit(is_init() ? OWN_FAILURE : ERROR);
}

static char *
join(const char *before, const char *between, const char *after)
{
    char *text;
    if (asprintf(&text, "%s%s%s", before, between, after) < 0)
        leave("asprintf");
    return text;
}

static int
is_utf8(const char *text)
{
    for (const unsigned char *byte = (const void *)text; *byte; byte++) {
        int more = *byte < 0x80 ? 0 : *byte < 0xc2 ? -1 : *byte < 0xe0 ? 1 : *byte < 0xf0 ? 2
                 : *byte < 0xf5 ? 3 : -1;
        if (more < 0)
            return 0;
        while (more--)
            if ((*++byte & 0xc0) != 0x80)
                return 0;
    }
    return 1;
}

/* Find the folder that this program is in. Without /proc, the kernel still tells the path by which it
 * was asked to start us. The folder's path must not contain ":" or ";" (the loader would split it there)
 * or "$" (the loader would expand it). It must be UTF-8, because Python reads it as UTF-8. */
static void
find_folder(void)
{
    const char *called = (const char *)getauxval(AT_EXECFN);
    if (!realpath("/proc/self/exe", self) && !realpath(called, self))
        leave(called);
    char *slash = strrchr(self, '/');
    *slash = '\0';
    name = slash + 1;
    errno = slash - self > PATH_MAX - LONGEST ? ENAMETOOLONG : EINVAL;
    if (errno == ENAMETOOLONG || strpbrk(self, ":;$") || !is_utf8(self))
        leave(self);
}

/* The path of a file in lib/. Leaves if the file is missing, or is ELF for another machine. */
static char *
need(const char *file, int is_elf)
{
    char *path = join(folder, "/lib/", file);
    if (access(path, R_OK))
        leave(path);
    if (is_elf) {
        ElfW(Ehdr) head = {0};
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            leave(path);
        ssize_t got = read(fd, &head, sizeof head);
        close(fd);
        errno = ENOEXEC;
        if (got != sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG)
            || head.e_machine != __ehdr_start.e_machine)
            leave(path);
    }
    return path;
}

/* Variables that would change how our loader and the bootloader start, but are meant for main alone.
 * Such an entry keeps its place, hidden by a name in front of it that means nothing. environment.py
 * takes that name away again. */
static const char *const hidden[] = {"LD_", "GLIBC_TUNABLES=", "PYINSTALLER_", "_PYI_"};

static char *
hide(char *entry)
{
    for (size_t i = 0; i < COUNT(hidden); i++)
        if (!strncmp(entry, hidden[i], strlen(hidden[i])))
            return join("_PYI_REAPER_HIDDEN=", entry, "");
    return entry;
}

static char **
environment(char **given, const char *program, const char *argv0, uint64_t mask)
{
    size_t count = 0;
    while (given[count])
        count++;
    char **all = calloc(count + VARIABLES + 1, sizeof *all);
    if (!all)
        leave("calloc");
    for (size_t i = 0; i < count; i++)
        all[i] = hide(given[i]);
    char **next = all + count;

    /* These tell the bootloader that it has restarted itself already. It would do so only to have its
     * folder in LD_LIBRARY_PATH. */
    char comm[16] = "";
    prctl(PR_GET_NAME, comm);
    *next++ = join("_PYI_ARCHIVE_FILE=", program, "");
    *next++ = "_PYI_PARENT_PROCESS_LEVEL=-1";
    *next++ = join("_PYI_LINUX_PROCESS_NAME=", comm, "");

    char number[17];
    snprintf(number, sizeof number, "%llx", (unsigned long long)mask);
    *next++ = join("_PYI_REAPER_MASK=", number, "");
    *next++ = join("_PYI_REAPER_NAME=", argv0, "");
    return all;
}

int
main(int argc, char **argv, char **envp)
{
    /* This comes first: from here on a signal waits for the init instead of being lost. It is a plain
     * system call, because musl's sigprocmask(2) leaves out signal 34. */
    uint64_t all = ~of_libc, inherited;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &inherited, sizeof all);

    find_folder();
    if (!is_init())
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, &inherited, NULL, sizeof inherited);

    const char *lib = join(folder, "/lib", "");
    const char *loader = need(native[0], 1), *program = need(join(name, ".bin", ""), 1);
    for (size_t i = 1; i < COUNT(native); i++)
        free(need(native[i], 1));
    for (size_t i = 0; i < COUNT(others); i++)
        free(need(others[i], 0));

    const char *argv0 = argc ? argv[0] : "";
    const char *start[] = {argv0, "--library-path", lib, program};
    size_t words = COUNT(start);
    char **command = calloc(words + argc + 1, sizeof *command);
    if (!command)
        leave("calloc");
    memcpy(command, start, sizeof start);
    for (int i = 1; i < argc; i++)
        command[words++] = argv[i];
    execve(loader, command, environment(envp, program, argv0, inherited));
    leave(loader);
}

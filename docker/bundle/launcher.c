/* What stands at /opt/reaper/reaper and /opt/reaper/reaperctl: it starts the program of its own name
 * in lib/ beside it.
 *
 * It is static, so that it runs in any image and can say what is wrong where lib/ is not whole. It
 * calls the loader in lib/ by its path, so the folder may stand anywhere. What the program has to
 * know of this start goes along in variables that begin with _PYI_, as the bootloader's own do:
 * they stand behind all others, and are taken out again before main's exec.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OWN_FAILURE = 125, ERROR = 2, VARIABLES = 7 };

/* bundle.spec says which: those that the interpreter is linked with, the loader first. */
static const char *const libraries[] = {LIBRARIES};
static const uint64_t of_libc = UINT64_C(3) << 31; /* signals 32 and 33 are never touched */

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
        cure = "it is built for another machine than this one";
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

/* Without /proc the kernel still tells by which path it was asked to start us. */
static void
find_folder(void)
{
    const char *called = (const char *)getauxval(AT_EXECFN);
    if (!realpath("/proc/self/exe", self) && !realpath(called, self))
        leave(called);
    char *slash = strrchr(self, '/');
    *slash = '\0';
    name = slash + 1;
}

/* The value of a variable, which stays in its place, empty; NULL where there is none. */
static const char *
take(char **variable, const char *key)
{
    size_t length = strlen(key);
    for (; *variable; variable++)
        if (!strncmp(*variable, key, length)) {
            const char *value = *variable + length;
            *variable = (char *)key;
            return value;
        }
    return NULL;
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
    memcpy(all, given, count * sizeof *all);
    char **next = all + count;

    /* The bootloader's words for having restarted itself already, which it does only to have its
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

    /* The image's libraries are not for our loader, which has a libc of its own. */
    const char *keys[] = {"LD_PRELOAD=", "LD_AUDIT="};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = take(all, keys[i]);
        if (value)
            *next++ = join("_PYI_REAPER_", keys[i], value);
    }
    return all;
}

int
main(int argc, char **argv, char **envp)
{
    /* First of all: a signal that comes now waits for the init instead of being lost. Not by
     * sigprocmask(3), which leaves out 34. */
    uint64_t all = ~of_libc, inherited;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &inherited, sizeof all);

    find_folder();
    if (!is_init())
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, &inherited, NULL, sizeof inherited);

    const char *lib = join(folder, "/lib", "");
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        const char *file = join(lib, "/", libraries[i]);
        if (access(file, R_OK))
            leave(file);
    }
    const char *loader = join(lib, "/", libraries[0]);
    const char *program = join(lib, "/", join(name, ".bin", ""));
    if (access(program, R_OK))
        leave(program);

    const char *argv0 = argc ? argv[0] : "";
    const char *start[] = {argv0, "--library-path", lib, program};
    size_t words = sizeof start / sizeof *start;
    char **command = calloc(words + argc + 1, sizeof *command);
    if (!command)
        leave("calloc");
    memcpy(command, start, sizeof start);
    for (int i = 1; i < argc; i++)
        command[words++] = argv[i];
    execve(loader, command, environment(envp, program, argv0, inherited));
    leave(loader);
}

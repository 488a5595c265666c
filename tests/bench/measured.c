/* What the measured init lives among. Each role is a program of its own; none of them allocates
 * memory while something is measured. All times are of the monotonic clock, in nanoseconds.
 *
 *   launch DELAY COMMAND...  start COMMAND as PID 1 of a new PID namespace. On standard error: its
 *                            pid, then the times of its exec and of its end. With a DELAY of 0 or
 *                            more it gets a TERM so long after its exec.
 *   obeys                    a main that does what the lines of its standard input say
 *   answers                  a main that writes down each signal; TERM ends it
 *   sends PID NUMBER COUNT RATE
 *                            send a signal COUNT times, RATE a second; exits with 1 if one was refused
 *   burns CPU                keep one CPU busy
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static int64_t
now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void
sleep_until(int64_t moment)
{
    struct timespec time = {moment / SECOND, moment % SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static pid_t
checked(pid_t pid)
{
    if (pid < 0)
        err(3, "starting a process");
    return pid;
}

static void
wait_for(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int
launch(int64_t delay, char **command)
{
    /* The child writes the time of its exec here. */
    volatile int64_t *began =
        mmap(NULL, sizeof *began, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The launcher stays in the mount namespace, so that its end is not measured. */
    if (began == MAP_FAILED || unshare(CLONE_NEWPID | CLONE_NEWNS) < 0
        || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        err(3, "making a PID namespace");
    pid = checked(fork());
    if (pid == 0) {
        if (mount("proc", "/proc", "proc", 0, NULL) < 0)
            err(3, "mounting /proc");
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* Standard error belongs to the launcher; the init's own lines go nowhere. */
        if (!freopen("/dev/null", "w", stderr))
            _exit(3);
        *began = now();
        execvp(command[0], command);
        _exit(127);
    }
    dprintf(2, "%d\n", pid);
    if (delay >= 0) {
        while (!*began || now() < *began + delay)
            ; /* a sleep would not be exact enough */
        kill(pid, SIGTERM);
    }
    wait_for(pid);
    dprintf(2, "%lld %lld\n", (long long)*began, (long long)now());
    return 0;
}

/* A process that shares the memory of its parent, which waits until it ends: the cheapest there is,
 * so that the init and not the kernel's fork is at work. */
static char stacks[2][16384] __attribute__((aligned(16)));

static pid_t
spawn(int (*begin)(void *), char *stack)
{
    return checked(
        clone(begin, stack + sizeof stacks[0], CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));
}

static int
end(void *unused)
{
    (void)unused;
    _exit(0);
}

static int
leave_an_orphan(void *unused)
{
    (void)unused;
    spawn(end, stacks[1]);
    _exit(0);
}

/* COUNT orphans, one after the other. A rate of 0 means as fast as it goes. */
static void
make_orphans(long count, long rate)
{
    int64_t start = now();

    for (long number = 0; number < count; number++) {
        if (rate)
            sleep_until(start + number * SECOND / rate);
        wait_for(spawn(leave_an_orphan, stacks[0]));
    }
}

/* COUNT dead children of one process become the init's at the same moment. */
static void
make_a_burst(long count)
{
    pid_t pid = checked(fork());

    if (pid == 0) {
        while (count--)
            spawn(end, stacks[1]);
        _exit(0);
    }
    wait_for(pid);
}

/* COUNT orphans that live until the namespace ends. */
static void
keep_alive(long count)
{
    pid_t pid = checked(fork());

    if (pid == 0) {
        while (count--)
            if (checked(fork()) == 0)
                for (;;)
                    pause();
        _exit(0);
    }
    wait_for(pid);
}

/* Each order is answered by the times of its beginning and its end. */
static int
obey(void)
{
    char line[80], order[16] = "";
    long count, rate;
    int64_t began = now();
    ssize_t size;

    do {
        dprintf(1, "%lld %lld\n", (long long)began, (long long)now());
        size = read(0, line, sizeof line - 1);
        if (size <= 0)
            return 0;
        line[size] = '\0';
        count = rate = 0;
        sscanf(line, "%15s %ld %ld", order, &count, &rate);
        began = now();
        if (!strcmp(order, "orphans"))
            make_orphans(count, rate);
        else if (!strcmp(order, "burst"))
            make_a_burst(count);
        else if (!strcmp(order, "live"))
            keep_alive(count);
    } while (strcmp(order, "end"));
    dprintf(1, "%lld %lld\n", (long long)began, (long long)now());
    _exit(0);
}

/* The first record, with the number 0, says that no signal is lost from now on. */
static int
answer(void)
{
    struct {
        int64_t number, time;
    } record = {0, now()};
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (record.number != SIGTERM) {
        if (write(1, &record, sizeof record) != sizeof record)
            return 3;
        do
            record.number = sigwaitinfo(&all, NULL);
        while (record.number < 0);
        record.time = now();
    }
    return 0;
}

static int
send_signals(pid_t pid, int number, long count, long rate)
{
    int64_t start = now();
    int refused = 0;

    for (long sent = 0; sent < count; sent++) {
        sleep_until(start + sent * SECOND / rate);
        refused |= kill(pid, number) < 0;
    }
    return refused;
}

static void
burn(int cpu)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        now();
}

int
main(int count, char **words)
{
    const char *role = count > 1 ? words[1] : "";

    if (!strcmp(role, "launch") && count > 3)
        return launch(atoll(words[2]), words + 3);
    if (!strcmp(role, "obeys"))
        return obey();
    if (!strcmp(role, "answers"))
        return answer();
    if (!strcmp(role, "sends") && count == 6)
        return send_signals(atoi(words[2]), atoi(words[3]), atol(words[4]), atol(words[5]));
    if (!strcmp(role, "burns") && count == 3)
        burn(atoi(words[2]));
    errx(2, "the roles are: launch, obeys, answers, sends, burns");
}

/* A main that tells when its first instruction ran: the monotonic clock, in nanoseconds. */
#include <stdio.h>
#include <time.h>

int
main(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return printf("%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec) < 0;
}

/* clock.h - how much time has passed? */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/* Seconds of the monotonic clock: only differences mean something. */
double clock_seconds(void);

#endif

/* main.c - what the device would do: measure, ask the policy, set the torque; here with the
 * pendulum of log.awk in place of the device.   cc -O2 main.c policy.c -lm -o pendulum */
#include <math.h>
#include <stdio.h>

int policy_act(const float *obs, float *act); /* policy.c, written by mopo export */
int policy_self_test(void);

int main(void)
{
  const double pi = 3.14159265358979;
  double angle = pi, speed = 0.0, sum = 0.0; /* hanging, at rest */
  if (policy_self_test() != 0) {
    fprintf(stderr, "policy_self_test: the compiler or the device is broken\n");
    return 1;
  }
  for (int t = 0; t < 150; t++) {
    float obs[3] = {(float)cos(angle), (float)sin(angle), (float)speed}, act[1];
    if (policy_act(obs, act) != 0) return 1; /* a sensor is broken: stop the motor */
    /* act is in [-1,1]; the log's torque was in low..high = -2..2 (--action-range=-2,2), and so is
     * the motor's: low + (high - low) * (act + 1) / 2, which is what policy_settings does. */
    double torque = 2.0 * (double)act[0], away = remainder(angle, 2.0 * pi);
    sum -= away * away + 0.1 * speed * speed + 0.001 * torque * torque;
    if (t % 10 == 0) printf("%4.1f s  angle %6.2f  torque %5.2f\n", 0.05 * t, away, torque);
    speed = fmax(-8.0, fmin(8.0, speed + 0.05 * (15.0 * sin(angle) + 3.0 * torque)));
    angle += 0.05 * speed;
  }
  printf("return %.1f\n", sum);
  return 0;
}

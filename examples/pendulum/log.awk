# log.awk - a pendulum that somebody played with: 60 runs of 150 steps at 20 Hz, random torques held
# for a while, written as a machine's log. The pendulum hangs at angle pi; cost is paid for each
# step away from upright and at rest.   awk -f log.awk > log.csv
BEGIN {
  srand(1)
  pi = 3.14159265
  print "run,cos,sin,speed,torque,gain"
  for (run = 0; run < 60; run++) {
    angle = pi * (2 * rand() - 1)
    speed = 2 * rand() - 1
    for (t = 0; t < 150; t++) {
      if (t % 5 == 0) torque = 4 * rand() - 2
      away = angle - 2 * pi * int(angle / (2 * pi))
      if (away > pi) away -= 2 * pi
      if (away < -pi) away += 2 * pi
      gain = -(away * away + 0.1 * speed * speed + 0.001 * torque * torque)
      printf "%d,%.6f,%.6f,%.6f,%.6f,%.6f\n", run, cos(angle), sin(angle), speed, torque, gain
      speed += 0.05 * (15 * sin(angle) + 3 * torque)
      if (speed > 8) speed = 8
      if (speed < -8) speed = -8
      angle += 0.05 * speed
    }
  }
}

"""What a GPU is measured with goes the same way on the CPU, and says that it is one."""

import pytest

from recsim_env.benchmark.device_learning import main


def test_a_dry_run_on_the_cpu_tells_rates_and_no_difference(capsys):
    pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    asked = ["--scenario", "LongTermSatisfaction", "--device", "cpu", "--people", "8"]
    main([*asked, "--seconds", "0.01", "--seeds", "2", "--interactions", "64"])
    first, told, rate, apart = capsys.readouterr().out.splitlines()
    assert first == "LongTermSatisfaction on cpu" and "nothing of a GPU" in told
    assert rate.startswith("8 people: ") and "% of the time in the simulator" in rate
    assert apart.endswith("less that of the CPU: 0.00 [0.00, 0.00], 2 seeds")

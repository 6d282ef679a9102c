"""What carries out the tasks of a plan: processes on this machine, a Ray cluster, or a Slurm queue."""

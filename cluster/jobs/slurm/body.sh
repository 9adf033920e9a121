# From here on all jobs are alike: a Ray of this job's own on its nodes, and the sweep on that Ray.
set +eu
stopped=75 down=69 refused=2
echo "nightsweep: job $SLURM_JOB_ID on $SLURM_JOB_NODELIST, $(date '+%F %T')${SLURM_RESTART_COUNT:+, start $((SLURM_RESTART_COUNT + 1))}"
code=''
if [ -e "$job/stop" ]; then  # while Slurm had it waiting for another start
  code=$stopped
elif [ ! -x "$python" ]; then
  echo "nightsweep: there is no $python on $SLURMD_NODENAME; put it where all nodes see it"
  code=$refused
fi
[ -z "$code" ] || { echo "$code" > "$job/exit"; exit "$code"; }
rm -f "$job/exit"

# Slurm sends TERM before the time limit (--signal), and so does nightsweep stop: to this script
# alone, which asks the driver to save its trials and to end.
asked='' driver=''
ask() {  # once: a second TERM would end the driver at once
  [ -n "$asked" ] || [ -z "$driver" ] || kill -TERM "$driver"
  asked=yes
}
trap ask TERM

# Whoever is to join this Ray, or to send it work, needs its token: this user alone can read it.
unset RAY_ADDRESS RAY_AUTH_TOKEN
export RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$job/token"
rm -f "$job/token"
(umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$job/token")

# The address by which Slurm, and so another node, reaches a node.
address() {
  getent ahostsv4 "$(scontrol --oneliner show node "$1" | sed 's/.* NodeAddr=\([^ ]*\).*/\1/')" |
    awk '{print $1; exit}'
}

# What runs on each node: ADDRESS FOLDER, and what `ray start` is told besides. FOLDER is its own,
# and short: names of sockets in it may have 107 bytes. Ports are any that are free; of one Ray
# would take the same for every job (10001, where grpc is installed).
on_node=$(cat << 'END'
  # Preemption with a grace time sends TERM to Ray alone. Ray shall not hear it, for trials could
  # not be saved without it; the script above is told instead.
  trap '[ -n "$head" ] || scancel --batch --signal=TERM "$SLURM_JOB_ID"' TERM
  "$python" -P -c "$deaf" "$python" -P -m ray.scripts.scripts start --block "${@:3}" \
    --disable-usage-stats --temp-dir="${2:-$(mktemp -d "/tmp/ns.$SLURM_JOB_ID.XXXX")}" \
    --num-cpus="$SLURM_CPUS_ON_NODE" --num-gpus="${SLURM_GPUS_ON_NODE:-0}" \
    --object-store-memory=200000000 ${1:+--node-ip-address="$1"} \
    $("$python" -P -c "$free" 2> /dev/null) &
  while kill -0 $! 2> /dev/null; do wait $!; done
  # Ray has ended by itself. If that is because the head's node is lost, the script above is lost
  # with it, and Slurm does not see that the job has come to nothing.
  [ -z "$head" ] || timeout 5 bash -c ": < /dev/tcp/${head/:/\/}" || scontrol requeue "$SLURM_JOB_ID"
END
)
export python head='' deaf='
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.execv(sys.argv[1], sys.argv[1:])' free='
import grpc, socket
port = socket.socket()
port.bind(("", 0))
print("--ray-client-server-port=%d" % port.getsockname()[1])'
ray_on() {  # NODE, and the rest
  srun --overlap --export=ALL --nodes=1 --ntasks=1 --mem=0 --cpu-bind=none --nodelist="$1" \
    bash -c "$on_node" ray "${@:2}" > "$job/ray-$1.log" 2>&1 &
  rays+=($!)
}

rays=()
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
here=$(address "${nodes[0]}")
if [[ $here == 127.* && ${#nodes[@]} -gt 1 ]]; then  # of itself it may know no other (/etc/hosts)
  there=$(address "${nodes[1]}")
  [[ $there == 127.* ]] || here=$(ip route get "$there" | sed -n 's/.* src \([^ ]*\).*/\1/p')
fi
folder=$(mktemp -d "/tmp/ns.$SLURM_JOB_ID.XXXX")
ray_on "${nodes[0]}" "$here" "$folder" --head --port=0 --include-dashboard=false
(tail --pid="${rays[0]}" -f /dev/null; kill -TERM $$) &  # without its head there is no Ray
watch=$!
disown
until [ -s "$folder/ray_current_cluster" ] || [ -n "$asked" ]; do sleep 0.1; done

# The driver begins as soon as the head is up; other nodes join it as they come, or not at all.
code=$stopped
if [ -z "$asked" ]; then
  head=$(< "$folder/ray_current_cluster")
  for node in "${nodes[@]:1}"; do
    ray_on "$node" "$(address "$node")" '' --address="$head"
  done
  "${sweep[@]}" --address "$head" --keep-going &
  driver=$!
  [ -z "$asked" ] || kill -TERM "$driver"
  wait "$driver"
  code=$?
  while kill -0 "$driver" 2> /dev/null; do  # TERM came meanwhile
    wait "$driver"
    code=$?
  done
elif ! kill -0 "${rays[0]}" 2> /dev/null; then
  echo "nightsweep: Ray did not start on ${nodes[0]}:"
  tail -n 20 "$job/ray-${nodes[0]}.log"
  code=$down
fi

# End this Ray, and no other: an srun that is told TERM ends what it has started.
trap '' TERM
echo "$code" > "$job/exit"
kill "$watch" 2> /dev/null
kill -TERM "${rays[@]}" 2> /dev/null
wait "${rays[@]}"
rm -rf "$folder" "$job/token"
others=()
for node in "${nodes[@]:1}"; do
  timeout 10 srun --overlap --nodes=1 --ntasks=1 --mem=0 --nodelist="$node" \
    bash -c 'rm -rf "/tmp/ns.$SLURM_JOB_ID".*' 2> /dev/null &
  others+=($!)
done
wait "${others[@]}"

# What was stopped by Slurm, or has died, comes back by itself, unless it got nowhere again and
# again; not what is done, was refused, or was stopped by hand. scancel has ended the job already.
if "$python" -P -m nightsweep.cluster.jobs.comeback "$run" "$code" &&
  [ "$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T)" = RUNNING ]; then
  rm -f "$job/exit"
  scontrol requeue "$SLURM_JOB_ID" || echo "$code" > "$job/exit"
fi
exit "$code"

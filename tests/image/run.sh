#!/usr/bin/env bash
# Build the image and run docker-compose.yml, both as they are, on a machine that reaches Debian's packages and PyPI
# but no image registry. Needs root and a kernel with overlayfs, veth and bridges.
# Usage: run.sh CHECKOUT DIRECTORY, where the directory keeps the Docker engine and the base images for the next run
set -euo pipefail
SRC=$(realpath "$1"); W=$(realpath -m "$2"); HERE=$(dirname "$(realpath "$0")"); mkdir -p "$W"; cd "$W"
need=(); for c in mmdebstrap slirp4netns ip; do command -v $c >/dev/null || need+=($c); done
if [ ${#need[@]} -gt 0 ]; then apt-get update -qq; apt-get install -y -qq --no-install-recommends ${need[@]/ip/iproute2} >/dev/null; fi

MIRROR=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -1) # this machine's own
tree() { # NAME SUITE PACKAGES: a Debian tree
  [ -e "$1.done" ] || { rm -rf "$1"; mmdebstrap --quiet --variant="${4:-minbase}" --include="$3" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' \
    "$2" "$1" "$MIRROR"; touch "$1.done"; }; }
tree host trixie docker.io,docker-cli,docker-compose,docker-buildx,iptables,mount,procps,curl,jq,ca-certificates & a=$!
tree python bookworm python3.11,python3.11-venv,python3-pip,ca-certificates,netbase,tzdata,passwd & b=$!
tree stores sid postgresql-18,valkey-server,gosu,ca-certificates & c=$!
wait $a; wait $b; wait $c

# --- an engine in mount and network namespaces of its own: no port, rule or mount of this machine is touched
cat > inner.sh <<I
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount --make-rprivate /; mount --bind $W/host $W/host; cd $W/host
mount -t proc proc proc; mount --rbind /sys sys; mount --rbind /dev dev; mount -t tmpfs tmpfs run
mkdir -p .old .$W .$SRC; mount --bind $W .$W; mount --bind $SRC .$SRC
echo nameserver 10.0.2.3 > etc/resolv.conf
ip link set lo up; pivot_root . .old; hash -r; umount -l /.old
echo \$\$ > $W/engine.pid
exec env -i PATH=\$PATH HOME=/root dockerd --mtu 1400 > $W/dockerd.log 2>&1
I
rm -f engine.pid; unshare -m -n bash inner.sh & N=$!
trap 'kill $N $S 2>/dev/null; wait 2>/dev/null' EXIT; S=
until [ -s engine.pid ]; do sleep 0.1; kill -0 $N; done
slirp4netns --configure --mtu=1400 --disable-host-loopback $N tap0 >slirp.log 2>&1 & S=$!
eng() { nsenter -t $N -m -n -r -w env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
  POSTGRES_PASSWORD='p@ss/word' STACKYARD_TOKEN=secret "$@"; }
for _ in $(seq 300); do eng docker info >/dev/null 2>&1 && break; sleep 0.2; done
eng docker info >/dev/null 2>&1 || { echo "the engine did not start"; tail -5 dockerd.log; exit 1; }

# --- stand-ins for the images that a registry would give
eng docker image inspect python:3.11-slim-bookworm >/dev/null 2>&1 || {
  ln -sf /usr/bin/python3.11 python/usr/local/bin/python; ln -sf /usr/bin/pip3 python/usr/local/bin/pip
  rm -f python/usr/lib/python3.11/EXTERNALLY-MANAGED
  cp -L /usr/local/share/ca-certificates/*.crt python/usr/local/share/ca-certificates/ 2>/dev/null || true
  chroot python update-ca-certificates >/dev/null 2>&1; printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' > python/etc/pip.conf
  FROM="$(sed -n 's/^FROM \(python:[^ ]*\).*/\1/p' "$SRC/Dockerfile" | head -1)"
  tar -C python --exclude=./dev/* --exclude=./var/lib/apt/lists/* -c . | eng docker import -c 'ENV LANG=C.UTF-8' \
    -c 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
    -c 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' - "$FROM" >/dev/null
  tar -C stores --exclude=./dev/* -c . | eng docker import - stores >/dev/null
  mkdir -p images; cat > images/pg.sh <<'P'
#!/bin/bash
set -e
if [ "$(id -u)" = 0 ]; then install -d -o postgres -g postgres -m 700 "$PGDATA"; exec gosu postgres "$0" "$@"; fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl -w -o "-c listen_addresses=''" start
  [ "$POSTGRES_DB" = postgres ] || createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl -w stop
fi
exec "$@" -c 'listen_addresses=*'
P
  chmod +x images/pg.sh
  eng docker build -q -t postgres:18-alpine -f - $W/images <<'P' >/dev/null
FROM stores
ENV PATH=/usr/lib/postgresql/18/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/18/docker LANG=C.UTF-8
RUN rm -rf /var/lib/postgresql && install -d -o postgres /var/lib/postgresql && install -d -o postgres /run/postgresql
COPY pg.sh /
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["/pg.sh"]
CMD ["postgres"]
P
  eng docker build -q -t valkey/valkey:9-alpine - <<'P' >/dev/null
FROM stores
RUN install -d -o valkey /data && printf '#!/bin/sh\nexec gosu valkey "$@" --protected-mode no\n' > /e && chmod +x /e
VOLUME /data
WORKDIR /data
ENTRYPOINT ["/e"]
CMD ["valkey-server"]
P
}

# --- the project's own files
eng docker build --progress=plain -t stackyard:cpu "$SRC" > build.log 2>&1 || { tail -30 build.log; exit 1; }
eng docker images stackyard:cpu --format 'image {{.Size}}'
compose() { eng docker compose --project-directory "$SRC" -f "$SRC/docker-compose.yml" "$@"; }
api() { local p=$1; shift; eng curl -sSf --retry 20 --retry-delay 1 --retry-all-errors -H 'Authorization: Bearer secret' "127.0.0.1:8000$p" "$@"; }
compose --profile gpu config --quiet
compose down --volumes >/dev/null 2>&1
compose up --detach --wait --wait-timeout 600 2>&1 | tail -3
[ "$(eng curl -s -o /dev/null -w '%{http_code}' 127.0.0.1:8000/v1/jobs)" = 401 ]
[ "$(eng docker exec stackyard-api-1 id -u)" = 10001 ]
eng docker exec -i stackyard-api-1 python - > iris.csv <<'P'
from sklearn.datasets import load_iris
print(load_iris(as_frame=True).frame.to_csv(index=False), end="")
P
api "/v1/datasets?name=iris" -H 'Content-Type: text/csv' --data-binary @$W/iris.csv >/dev/null
echo '{"name":"iris","data":{"dataset":"iris","target":{"column":"target"}},"network":{"layers":[{"type":"Dense","units":8,
"activation":"relu"},{"type":"Dense","units":3,"activation":"softmax"}]},"training":{"optimizer":"adam",
"loss":"sparse_categorical_crossentropy","epochs":5,"seed":0}}' > spec.json
id=$(api /v1/jobs -H 'Content-Type: application/json' -d @$W/spec.json | eng jq -r .id)
until_true() { for _ in $(seq 60); do if "$@"; then return 0; fi; sleep 1; done; echo "still false after a minute: $*"; return 1; }
until_done() { for _ in $(seq 180); do s=$(api "/v1/jobs/$id" | eng jq -r .state); [ "$s" != succeeded ] || return 0; sleep 1; done; echo "job $id: $s"; return 1; }
until_done
[ "$(api "/v1/jobs/$id/history" -H 'Accept: text/csv' | wc -l)" = 6 ]
api "/v1/jobs/$id/model" -o $W/model.keras
compose down 2>/dev/null; compose up --detach --wait --wait-timeout 600 --scale worker-cpu=2 2>&1 | tail -1
api "/v1/jobs/$id/model" -o $W/again.keras; cmp model.keras again.keras
two_serve() { [ "$(api /v1/workers | eng jq '[.items[] | select(.state == "serving")] | length')" = 2 ]; }
until_true two_serve
kill -9 "$(eng docker inspect -f '{{.State.Pid}}' stackyard-worker-cpu-1)"
restarted() { [ "$(eng docker inspect -f '{{.State.Running}} {{.RestartCount}}' stackyard-worker-cpu-1)" = 'true 1' ]; }
until_true restarted
compose down --volumes 2>/dev/null
echo "1 passed, 0 failed"

# SPDX-License-Identifier: Apache-2.0
#
# Both programs, `ecluse` and `ecluse-ingress`, and nothing that is only needed
# to build them.  No shell is started and nothing is written outside of
# /run/ecluse: runs as another user than root, with a read-only root.
#
#   docker build -t ecluse .
#   docker run -v ./haproxy.cfg:/etc/ecluse/ecluse.cfg:ro -p 80:8080 ecluse

FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
	gcc libc6-dev make pkg-config libssl-dev libpcre2-dev zlib1g-dev \
	libcrypt-dev libxxhash-dev libc-ares-dev libyaml-dev \
	libcurl4-openssl-dev libjansson-dev
WORKDIR /src
COPY . .
ARG JOBS=2
RUN make -j$JOBS O=/build PREFIX=/usr DESTDIR=/out install

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
	ca-certificates libssl3 libpcre2-8-0 zlib1g libcrypt1 libxxhash0 \
	libc-ares2 libyaml-0-2 libcurl4 libjansson4 && \
	rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/* && \
	groupadd -g 10101 ecluse && \
	useradd -u 10101 -g 10101 -d /run/ecluse -s /usr/sbin/nologin ecluse && \
	install -d -o ecluse -g ecluse /run/ecluse /etc/ecluse
COPY --from=build /out/usr/sbin/ /usr/sbin/
USER 10101:10101
VOLUME /run/ecluse
EXPOSE 8080 8443 10255
# Lets connections finish; TERM would cut them.
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s \
	CMD ["/usr/sbin/ecluse-ingress", "probe", "unix:/run/ecluse/master.sock"]
CMD ["/usr/sbin/ecluse", "-W", "-S", "/run/ecluse/master.sock", "-f", "/etc/ecluse/ecluse.cfg"]

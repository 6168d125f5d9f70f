# A small image that runs as nobody. Build: docker build -t wamedia .
# Run: docker run -p 8480:8480 -v wamedia:/var/lib/wamedia wamedia
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked && mkdir -p /out/var/lib/wamedia && cp target/release/wamedia /out/

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/wamedia /usr/local/bin/wamedia
COPY --from=build --chown=nonroot:nonroot /out/var/lib/wamedia /var/lib/wamedia
ENV WAMEDIA_DATA=/var/lib/wamedia WAMEDIA_PUBLIC_LISTEN=0.0.0.0:8480 WAMEDIA_LOG_FORMAT=json
VOLUME /var/lib/wamedia
EXPOSE 8480
USER nonroot
HEALTHCHECK --interval=10s --timeout=4s CMD ["/usr/local/bin/wamedia", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/wamedia"]
CMD ["serve"]

# The runner in a container. DuckDB and DataFusion are compiled from source: about an
# hour the first time; the layer of the dependencies stays as long as Cargo.toml,
# Cargo.lock and this file do. cloud/README.md says how to build and push it.
FROM rust:1.95.0-bookworm AS build
WORKDIR /build

# The dependencies alone, with sources that do nothing.
COPY Cargo.toml Cargo.lock ./
COPY udfs/Cargo.toml udfs/Cargo.toml
COPY runner/Cargo.toml runner/Cargo.toml
COPY tests/Cargo.toml tests/Cargo.toml
COPY cloud/stubs.sh cloud/stubs.sh
RUN sh cloud/stubs.sh \
    && cargo build --release --locked --package lagrange-runner --bin lagrange

# The runner itself.
COPY udfs udfs
COPY runner runner
COPY config config
COPY sql sql
RUN find udfs runner -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --package lagrange-runner --bin lagrange \
    && strip target/release/lagrange

FROM debian:12.11-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin lagrange \
    && install --directory --owner=lagrange /work
COPY --from=build /build/target/release/lagrange /usr/local/bin/lagrange
USER 10001
WORKDIR /work
ENV NO_COLOR=1
ENTRYPOINT ["/usr/local/bin/lagrange"]
CMD ["--help"]

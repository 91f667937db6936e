# CoreDNS with the dnssec directive of this module, and nothing else: no shell,
# no libc, no user but 65532.
#
#     docker build -t dnssecval/coredns:latest .
#
# docs/kubernetes.md has the command for several architectures.

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
ARG TARGETOS
ARG TARGETARCH
ARG TARGETVARIANT
RUN go run ./cmd/modfile bin/coredns.mod && \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} \
    go build -modfile=bin/coredns.mod -trimpath \
    -ldflags "-s -w -X github.com/coredns/coredns/coremain.GitCommit=dnssecval-$VERSION" \
    -o /out/coredns ./cmd/coredns

FROM scratch
# For forward tls:// and the kubernetes plugin's endpoint option.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/coredns /coredns
# Numeric, so that Kubernetes can verify that it is not root. The file has no
# capabilities, so that it also starts where they are not allowed.
USER 65532:65532
WORKDIR /
EXPOSE 53 53/udp 8080 8181 9153
ENTRYPOINT ["/coredns"]

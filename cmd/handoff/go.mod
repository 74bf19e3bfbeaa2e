module github.com/handoff-care/handoff/cmd/handoff

go 1.26.0

require (
	github.com/handoff-care/handoff/pkg v0.0.0
	github.com/handoff-care/handoff/services/admission v0.0.0
	github.com/handoff-care/handoff/services/console v0.0.0
	github.com/handoff-care/handoff/services/discharge v0.0.0
	github.com/handoff-care/handoff/services/notification v0.0.0
	github.com/handoff-care/handoff/services/referral v0.0.0
)

require (
	github.com/VividCortex/ewma v1.2.0 // indirect
	github.com/acarl005/stripansi v0.0.0-20180116102854-5a71ef0e047d // indirect
	github.com/alecthomas/kong v1.17.0 // indirect
	github.com/antithesishq/antithesis-sdk-go v0.8.0-default-no-op // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-runewidth v0.0.16 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/nats-io/jwt/v2 v2.8.2 // indirect
	github.com/nats-io/nats-server/v2 v2.15.2 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
	github.com/vbauerster/mpb/v8 v8.9.3 // indirect
	go.yaml.in/yaml/v3 v3.0.4 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.16.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace (
	github.com/handoff-care/handoff/pkg => ../../pkg
	github.com/handoff-care/handoff/services/admission => ../../services/admission
	github.com/handoff-care/handoff/services/console => ../../services/console
	github.com/handoff-care/handoff/services/discharge => ../../services/discharge
	github.com/handoff-care/handoff/services/notification => ../../services/notification
	github.com/handoff-care/handoff/services/referral => ../../services/referral
)

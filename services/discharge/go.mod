module github.com/handoff-care/handoff/services/discharge

go 1.26.0

require github.com/handoff-care/handoff/pkg v0.0.0

require (
	cel.dev/cel-go v0.33.2 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	go.yaml.in/yaml/v3 v3.0.4 // indirect
	golang.org/x/exp v0.0.0-20261014143641-f0251eb4aa3e // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace github.com/handoff-care/handoff/pkg => ../../pkg

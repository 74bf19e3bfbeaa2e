module github.com/handoff-care/handoff/services/discharge

go 1.26.0

require github.com/handoff-care/handoff/pkg v0.0.0

replace github.com/handoff-care/handoff/pkg => ../../pkg

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

replace (
	github.com/handoff-care/handoff/pkg => ../../pkg
	github.com/handoff-care/handoff/services/admission => ../../services/admission
	github.com/handoff-care/handoff/services/console => ../../services/console
	github.com/handoff-care/handoff/services/discharge => ../../services/discharge
	github.com/handoff-care/handoff/services/notification => ../../services/notification
	github.com/handoff-care/handoff/services/referral => ../../services/referral
)

package checks

import "time"

// ruleCases: 12 figures are a minute.
var ruleCases = []ruleCase{
	{"ServiceDown", "after half a minute without an answer", []string{`up{job="handoff", program="referral"} 1 0x10`}, time.Minute, []string{`{job="handoff", program="referral"}`}},
	{"ServiceDown", "not on one missed scrape", []string{`up{job="handoff", program="referral"} 1 0 1x10`}, 10 * time.Second, nil},

	{"ServiceNotReady", "after a minute", []string{`probe_success{job="ready", program="nats"} 0x30`}, time.Minute, []string{`{job="ready", program="nats"}`}},
	{"ServiceNotReady", "not while it starts", []string{`probe_success{job="ready", program="nats"} 0x6 1x10`}, time.Minute, nil},

	{"ServiceRestarts", "when it starts over and over", []string{`process_start_time_seconds{job="handoff", program="console"} 100+100x20`}, time.Minute, []string{`{job="handoff", program="console"}`}},
	{"ServiceRestarts", "not on an upgrade", []string{`process_start_time_seconds{job="handoff", program="console"} 100x10 200x10`}, time.Minute, nil},

	{"RequestsFail", "when a tenth fails", []string{
		`handoff_http_request_seconds_count{service="discharge", code="OK"} 0+9x200`,
		`handoff_http_request_seconds_count{service="discharge", code="Internal Server Error"} 0+1x200`,
	}, 12 * time.Minute, []string{`{service="discharge"}`}},
	{"RequestsFail", "not when callers ask for what is not there", []string{
		`handoff_http_request_seconds_count{service="discharge", code="OK"} 0+9x200`,
		`handoff_http_request_seconds_count{service="discharge", code="Not Found"} 0+9x200`,
	}, 12 * time.Minute, nil},

	{"AckSlow", "when one in ten takes two seconds", []string{
		`handoff_admission_ack_seconds_bucket{service="admission", le="1.0"} 0+9x100`,
		`handoff_admission_ack_seconds_bucket{service="admission", le="2.5"} 0+10x100`,
		`handoff_admission_ack_seconds_bucket{service="admission", le="+Inf"} 0+10x100`,
	}, 5 * time.Minute, []string{`{}`}},
	{"AckSlow", "not when all take milliseconds", []string{
		`handoff_admission_ack_seconds_bucket{service="admission", le="0.01"} 0+10x100`,
		`handoff_admission_ack_seconds_bucket{service="admission", le="+Inf"} 0+10x100`,
	}, 5 * time.Minute, nil},

	{"MessagesRefused", "when a feed sends what is not its own", []string{
		`handoff_admission_frames_total{service="admission", code="AA", duplicate="false"} 0+10x200`,
		`handoff_admission_frames_total{service="admission", code="AR", duplicate="false"} 0+1x200`,
	}, 12 * time.Minute, []string{`{}`}},
	{"MessagesRefused", "not on one in a thousand", []string{
		`handoff_admission_frames_total{service="admission", code="AA", duplicate="false"} 0+1000x200`,
		`handoff_admission_frames_total{service="admission", code="AE", duplicate="false"} 0+1x200`,
	}, 12 * time.Minute, nil},

	{"MessagesQuarantined", "at the first", []string{`handoff_admission_quarantined_total{service="admission", reason="no-patient-id"} 0x5 1x20`}, time.Minute, []string{`{reason="no-patient-id"}`}},
	{"MessagesQuarantined", "not on those of yesterday", []string{`handoff_admission_quarantined_total{service="admission", reason="no-patient-id"} 7x20`}, time.Minute, nil},

	{"MessagesWait", "when nothing is applied", []string{`handoff_admission_oldest_kept_seconds{service="admission"} 0+5x30`}, 90 * time.Second, []string{`{}`}},
	{"MessagesWait", "not under load", []string{`handoff_admission_oldest_kept_seconds{service="admission"} 20x30`}, 90 * time.Second, nil},

	{"PatientsNotCompared", "when the linker hangs", []string{`handoff_admission_identity_oldest_waiting_seconds{service="admission"} 0+5x200`}, 15 * time.Minute, []string{`{}`}},
	{"PatientsNotCompared", "not while a feed's first year is loaded", []string{`handoff_admission_identity_oldest_waiting_seconds{service="admission"} 300x200`}, 15 * time.Minute, nil},

	{"NoMessages", "when all feeds fall silent", []string{`handoff_admission_frames_total{service="admission", code="AA", duplicate="false"} 0+1x20 20x240`}, 19 * time.Minute, []string{`{}`}},
	{"NoMessages", "not on a slow night", []string{`handoff_admission_frames_total{service="admission", code="AA", duplicate="false"} 0x100 1x100 2x100`}, 19 * time.Minute, nil},
	{"NoMessages", "not before the first hospital", []string{`handoff_admission_frames_total{service="admission", code="AA", duplicate="false"} 0x300`}, 19 * time.Minute, nil},

	{"FeedDisconnected", "when a feed that was here is gone", []string{
		`handoff_admission_connections{service="admission", feed="mercy"} 2x10 0x140`,
		`handoff_admission_connections{service="admission", feed="north"} 1x150`,
	}, 12 * time.Minute, []string{`{feed="mercy"}`}},
	{"FeedDisconnected", "not when it comes back", []string{`handoff_admission_connections{service="admission", feed="mercy"} 2x10 0x60 1x80`}, 12 * time.Minute, nil},

	{"OutboxStuck", "when the relay does not publish", []string{`handoff_outbox_oldest_seconds{service="admission"} 0+5x30`}, 90 * time.Second, []string{`{service="admission"}`}},
	{"OutboxStuck", "not under load", []string{`handoff_outbox_oldest_seconds{service="admission"} 25x30`}, 90 * time.Second, nil},

	{"ConsumerLags", "when it gets worse and worse", []string{`handoff_consumer_lag{service="discharge", stream="admission"} 1000+100x120`}, 6 * time.Minute, []string{`{service="discharge", stream="admission"}`}},
	{"ConsumerLags", "not while it catches up", []string{`handoff_consumer_lag{service="discharge", stream="admission"} 100000-500x120`}, 6 * time.Minute, nil},
	{"ConsumerLags", "not on a peak", []string{`handoff_consumer_lag{service="discharge", stream="admission"} 0x60 5000x6 0x60`}, 6 * time.Minute, nil},

	{"KeysParked", "at once", []string{
		`handoff_parked_keys{service="referral", stream="discharge", instance="a"} 1x3`,
		`handoff_parked_keys{service="referral", stream="discharge", instance="b"} 1x3`,
	}, 10 * time.Second, []string{`{service="referral", stream="discharge"}`}},
	{"KeysParked", "not when nothing is parked", []string{`handoff_parked_keys{service="referral", stream="discharge"} 1 0x3`}, 10 * time.Second, nil},

	{"KeysParkedLong", "after an hour", []string{`handoff_parked_oldest_seconds{service="referral"} 3600+5x3`}, 10 * time.Second, []string{`{service="referral"}`}},
	{"KeysParkedLong", "not before", []string{`handoff_parked_oldest_seconds{service="referral"} 0+5x3`}, 10 * time.Second, nil},

	{"TimersLate", "when some fire after 5 s", []string{
		`handoff_timer_late_seconds_count{service="discharge"} 0+2x60`,
		`handoff_timer_late_seconds_bucket{service="discharge", le="5.0"} 0+1x60`,
	}, 5 * time.Minute, []string{`{service="discharge"}`}},
	{"TimersLate", "as an older Prometheus writes numbers", []string{
		`handoff_timer_late_seconds_count{service="discharge"} 0+2x60`,
		`handoff_timer_late_seconds_bucket{service="discharge", le="5"} 0+1x60`,
	}, 5 * time.Minute, []string{`{service="discharge"}`}},
	{"TimersLate", "not when all are in time", []string{
		`handoff_timer_late_seconds_count{service="discharge"} 0+2x60`,
		`handoff_timer_late_seconds_bucket{service="discharge", le="5.0"} 0+2x60`,
	}, 5 * time.Minute, nil},

	{"StreamFilling", "at 0.8 GiB", []string{`jetstream_stream_total_bytes{stream_name="ADMISSION"} 858993459x3`}, 10 * time.Second, []string{`{stream_name="ADMISSION"}`}},
	{"StreamFilling", "not at half", []string{`jetstream_stream_total_bytes{stream_name="ADMISSION"} 536870912x3`}, 10 * time.Second, nil},

	{"JetStreamFilling", "at three quarters", []string{
		`jetstream_server_total_message_bytes{server_name="handoff"} 6000x3`, `jetstream_server_max_storage{server_name="handoff"} 8000x3`,
	}, 10 * time.Second, []string{`{server_name="handoff"}`}},
	{"JetStreamFilling", "not at half", []string{
		`jetstream_server_total_message_bytes{server_name="handoff"} 4000x3`, `jetstream_server_max_storage{server_name="handoff"} 8000x3`,
	}, 10 * time.Second, nil},

	{"ScreensSlow", "when things take ten seconds", []string{
		`handoff_event_to_screen_seconds_bucket{service="console", le="5.0"} 0+9x100`,
		`handoff_event_to_screen_seconds_bucket{service="console", le="15.0"} 0+10x100`,
		`handoff_event_to_screen_seconds_bucket{service="console", le="+Inf"} 0+10x100`,
	}, 5 * time.Minute, []string{`{}`}},
	{"ScreensSlow", "not when nobody looks", []string{
		`handoff_event_to_screen_seconds_bucket{service="console", le="5.0"} 0x100`,
		`handoff_event_to_screen_seconds_bucket{service="console", le="+Inf"} 0x100`,
	}, 5 * time.Minute, nil},

	{"AlertsSlow", "when alerts take ten seconds", []string{
		`handoff_frame_to_alert_seconds_bucket{service="notification", point="raised", le="5.0"} 0+9x100`,
		`handoff_frame_to_alert_seconds_bucket{service="notification", point="raised", le="15.0"} 0+10x100`,
		`handoff_frame_to_alert_seconds_bucket{service="notification", point="raised", le="+Inf"} 0+10x100`,
	}, 5 * time.Minute, []string{`{}`}},
	{"AlertsSlow", "not when they take 20 ms", []string{
		`handoff_frame_to_alert_seconds_bucket{service="notification", point="raised", le="0.02"} 0+10x100`,
		`handoff_frame_to_alert_seconds_bucket{service="notification", point="raised", le="+Inf"} 0+10x100`,
	}, 5 * time.Minute, nil},

	{"DeliveriesFail", "when mail is given up", []string{`handoff_deliveries_total{service="notification", channel="email", state="failed"} 0x5 1x20`}, time.Minute, []string{`{channel="email"}`}},
	{"DeliveriesFail", "not when all arrive", []string{`handoff_deliveries_total{service="notification", channel="email", state="delivered"} 0+1x20`}, time.Minute, nil},

	{"DeliveriesWait", "after five minutes", []string{`handoff_delivery_oldest_pending_seconds{service="notification", channel="webhook"} 301x3`}, 10 * time.Second, []string{`{channel="webhook"}`}},
	{"DeliveriesWait", "not on the first repeat", []string{`handoff_delivery_oldest_pending_seconds{service="notification", channel="webhook"} 6x3`}, 10 * time.Second, nil},

	{"PostgresDown", "after half a minute", []string{`pg_up{job="postgres"} 0x10`}, 45 * time.Second, []string{`{job="postgres"}`}},
	{"PostgresDown", "not on a restart", []string{`pg_up{job="postgres"} 0x3 1x10`}, 45 * time.Second, nil},

	{"PostgresConnections", "at nine in ten", []string{
		`pg_stat_activity_count{datname="handoff", state="idle"} 170x30`, `pg_stat_activity_count{datname="handoff", state="active"} 10x30`, `pg_settings_max_connections 200x30`,
	}, 2 * time.Minute, []string{`{}`}},
	{"PostgresConnections", "not at half", []string{`pg_stat_activity_count{datname="handoff", state="idle"} 100x30`, `pg_settings_max_connections 200x30`}, 2 * time.Minute, nil},
}

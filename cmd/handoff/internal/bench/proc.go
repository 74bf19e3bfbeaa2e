package bench

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

type quantiles struct {
	n        int
	p50, p99 time.Duration
}

func quantilesOf(list []time.Duration) quantiles {
	if len(list) == 0 {
		return quantiles{}
	}
	slices.Sort(list)
	return quantiles{len(list), list[len(list)/2], list[min(len(list)-1, len(list)*99/100)]}
}

const ticks = 100 // USER_HZ on Linux

// cpuOf sums user and system seconds of groups of processes. A parent's figure includes children
// that have ended.
func cpuOf(groups map[string][]int) map[string]float64 {
	sum := map[string]float64{}
	for name, pids := range groups {
		for _, pid := range pids {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err != nil {
				continue
			}
			fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
			for _, at := range []int{11, 12, 13, 14} { // utime stime cutime cstime
				n, _ := strconv.ParseFloat(fields[at], 64)
				sum[name] += n / ticks
			}
		}
	}
	return sum
}

// rssOf sums resident memory that is not shared: Postgres' processes share their buffers.
func rssOf(groups map[string][]int) map[string]int64 {
	sum := map[string]int64{}
	for name, pids := range groups {
		for _, pid := range pids {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
			if err != nil {
				continue
			}
			fields := strings.Fields(string(text))
			resident, _ := strconv.ParseInt(fields[1], 10, 64)
			shared, _ := strconv.ParseInt(fields[2], 10, 64)
			sum[name] += (resident - shared) * int64(os.Getpagesize())
		}
	}
	return sum
}

// family returns a process and its children.
func family(pid int) []int {
	list := []int{pid}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
		if fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			list = append(list, child)
		}
	}
	return list
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

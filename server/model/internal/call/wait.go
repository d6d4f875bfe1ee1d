package call

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// wait returns how long an answer asks to wait: in its headers, else in its explanation.
func wait(header http.Header, d Detail, now time.Time) time.Duration {
	if asked := retryAfter(header, now); asked > 0 {
		return asked
	}
	if d.wait > 0 {
		return d.wait
	}
	return waitInWords(d.Message)
}

// retryAfter reads the headers: milliseconds where OpenAI says so, else seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(header.Get("Retry-After-Ms"), 64); err == nil {
		return duration(ms, time.Millisecond)
	}
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		return duration(seconds, time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

var (
	// waitWords is a sentence that says how long to wait: "Please try again in 1m30.5s.", "retry after 6 seconds".
	waitWords = regexp.MustCompile(`(?i)\b(?:retry|again|wait|available|reset)[^.\d]{0,30}((?:\d+(?:\.\d+)?\s*[a-z]+[\s,]*(?:and\s+)?){1,4})`)
	amounts   = regexp.MustCompile(`(?i)(\d+(?:\.\d+)?)\s*([a-z]+)`)
	units     = map[string]time.Duration{
		"ms": time.Millisecond, "millis": time.Millisecond, "millisecond": time.Millisecond,
		"s": time.Second, "sec": time.Second, "second": time.Second,
		"m": time.Minute, "min": time.Minute, "minute": time.Minute,
		"h": time.Hour, "hr": time.Hour, "hour": time.Hour,
	}
)

// waitInWords reads how long to wait from a sentence; 0 when it doesn't say.
func waitInWords(text string) time.Duration {
	found := waitWords.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	var sum time.Duration
	for _, m := range amounts.FindAllStringSubmatch(found[1], -1) {
		unit := strings.ToLower(m[2])
		if _, known := units[unit]; !known {
			unit = strings.TrimSuffix(unit, "s")
		}
		if n, err := strconv.ParseFloat(m[1], 64); err == nil {
			sum += duration(n, units[unit])
		}
	}
	return sum
}

// duration returns n units, kept within 0 and a day.
func duration(n float64, unit time.Duration) time.Duration {
	const day = 24 * time.Hour
	if !(n > 0) || unit <= 0 {
		return 0
	}
	if n > float64(day/unit) {
		return day
	}
	return time.Duration(n * float64(unit))
}

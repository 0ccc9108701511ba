package ssmsim

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A velocity is a number of instances, or a percentage of them.
type velocity struct {
	text    string
	n       int
	percent bool
}

// Patterns of MaxConcurrency and MaxErrors.
// Source: botocore, ssm 2014-11-06, service-2.json.
var (
	concurrencyPattern = regexp.MustCompile(`^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$`)
	errorsPattern      = regexp.MustCompile(`^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$`)
)

// parseVelocity reads a number or a percentage.
func parseVelocity(text *string, usual string, pattern *regexp.Regexp) (velocity, error) {
	v := velocity{text: usual}
	if text != nil {
		v.text = *text
	}
	if len(v.text) > 7 || !pattern.MatchString(v.text) {
		return v, core.Errorf("ValidationException", "Value '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", v.text, pattern)
	}
	digits, percent := strings.CutSuffix(v.text, "%")
	v.percent = percent
	v.n, _ = strconv.Atoi(digits) // the pattern lets in digits only, seven at most
	return v, nil
}

// of is the number it stands for among n instances.
func (v velocity) of(n int) int {
	if v.percent {
		return n * v.n / 100
	}
	return v.n
}

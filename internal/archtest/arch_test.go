package archtest_test

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/snapkeep/snapkeep"

// mayImport lists, for each package, the packages of this module that its
// non-test files may import. A pattern ending in "/..." covers a tree. A
// package not listed may import none.
var mayImport = map[string][]string{
	"accounts/preflight": {"accounts", "iampolicy", "internal/awserr"},

	"backup":            {"accounts", "iampolicy", "retention", "internal/awserr", "internal/pace"},
	"backup/ebs":        {"accounts", "backup", "retention", "internal/awscall", "internal/awserr"},
	"backup/report":     {"backup"},
	"backup/restore":    {"accounts", "backup", "iampolicy", "retention", "internal/awscall", "internal/awserr"},
	"backup/backuptest": {"accounts", "iampolicy", "internal/awssim/..."},

	"backup/journal":     {"backup"},
	"backup/limitertest": {"accounts", "backup"},

	// Stores of what a restore needs beyond blocks.
	"backup/manifest":           {"accounts", "backup"},
	"backup/manifest/storetest": {"accounts", "backup"},
	"backup/manifest/s3store":   {"accounts", "backup", "backup/manifest", "internal/awscall"},
	// A package of its own, so that only who runs scripts compiles Systems Manager.
	"backup/ebs/runcommand": {"backup", "backup/ebs", "internal/awscall"},

	// The table that iampolicy embeds is made by a program of its own.
	"iampolicy/internal/iamdata/gen": {"iampolicy/internal/iamdata"},

	// What drivers do around a call, in the words of package backup.
	"internal/awscall": {"backup", "internal/awserr"},

	"iampolicy/record": {"iampolicy"},

	"internal/awssim":          {"iampolicy", "internal/awssim/..."},
	"internal/awssim/core":     {"iampolicy", "internal/awssim/sigv4", "internal/awssim/wire"},
	"internal/awssim/stssim":   {"iampolicy", "internal/awssim/core", "internal/awssim/sigv4", "internal/awssim/wire"},
	"internal/awssim/kmssim":   {"iampolicy", "internal/awssim/core", "internal/awssim/wire"},
	"internal/awssim/ec2sim":   {"internal/awssim/core", "internal/awssim/kmssim", "internal/awssim/sigv4", "internal/awssim/wire"},
	"internal/awssim/ebssim":   {"internal/awssim/core", "internal/awssim/ec2sim", "internal/awssim/kmssim", "internal/awssim/sigv4", "internal/awssim/wire"},
	"internal/awssim/iamsim":   {"iampolicy", "internal/awssim/core", "internal/awssim/grammar", "internal/awssim/sigv4", "internal/awssim/wire"},
	"internal/awssim/orgsim":   {"iampolicy", "internal/awssim/core", "internal/awssim/grammar", "internal/awssim/wire"},
	"internal/awssim/grammar":  {"iampolicy"},
	"internal/awssim/wire/gen": {"internal/awssim/wire"},
	"internal/awssim/s3sim":    {"iampolicy", "internal/awssim/core", "internal/awssim/kmssim", "internal/awssim/sigv4", "internal/awssim/wire"},
	"internal/awssim/ssmsim":   {"internal/awssim/core", "internal/awssim/ec2sim", "internal/awssim/wire"},

	// The table of what AWS is documented to do; what it is put to is in its tests.
	"internal/conformance": {},

	"examples/...": {
		"accounts", "accounts/preflight", "iampolicy", "retention", "backup", "backup/ebs", "backup/report", "backup/restore", "backup/backuptest", "examples/...",
	},
}

// mayImportOutside lists, for packages that are kept lean, the packages from
// outside the standard library that they may import, by prefix. The EC2
// module alone takes a minute to compile: who does not need it must not pay.
var mayImportOutside = map[string][]string{
	"retention":        {},
	"iampolicy":        {},
	"iampolicy/record": {"github.com/aws/aws-sdk-go-v2/aws/middleware", "github.com/aws/smithy-go/middleware"},
	"accounts": {
		"github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/credentials",
		"github.com/aws/aws-sdk-go-v2/service/sts", "github.com/aws/smithy-go", "golang.org/x/sync",
		"github.com/aws/aws-sdk-go-v2/service/organizations", // Organization: its types are in the interface
		"go.yaml.in/yaml/v3", // Load: accounts files are YAML, and its nodes know their lines
	},
	"backup": {
		"github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/smithy-go", "golang.org/x/sync",
	},
	"internal/awserr": {"github.com/aws/smithy-go", "github.com/aws/aws-sdk-go-v2/aws"},
	"internal/pace":   {},
}

type goPackage struct {
	name    string // below the module
	imports []string
}

func TestImportsFollowTheArrows(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.imports {
			if dep, ours := strings.CutPrefix(imp, module+"/"); ours {
				if !allowed(p.name, dep) {
					t.Errorf("%s imports %s: no such arrow", p.name, dep)
				}
				continue
			}
			lean, ok := mayImportOutside[p.name]
			if ok && strings.Contains(strings.Split(imp, "/")[0], ".") && !hasPrefix(lean, imp) {
				t.Errorf("%s imports %s: it is kept free of that", p.name, imp)
			}
		}
	}
}

// TestEveryArrowIsUsed keeps the list honest: an arrow that nothing follows
// is deleted.
func TestEveryArrowIsUsed(t *testing.T) {
	known := packages(t)
	for name, deps := range mayImport {
		for _, dep := range deps {
			used := slices.ContainsFunc(known, func(p goPackage) bool {
				return matches(name, p.name) && slices.ContainsFunc(p.imports, func(imp string) bool {
					return matches(dep, strings.TrimPrefix(imp, module+"/"))
				})
			})
			require.Truef(t, used, "no import follows the arrow %s → %s", name, dep)
		}
	}
}

// TestTestsOnlyDependencies keeps what tests need away from what hosts import.
func TestTestsOnlyDependencies(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.imports {
			for _, only := range []string{
				"github.com/stretchr/testify", "pgregory.net/rapid", "go.uber.org/goleak",
				"github.com/hashicorp/hcl", "github.com/zclconf/go-cty", // Terraform's own language, for the output of iampolicy
			} {
				if strings.HasPrefix(imp, only) {
					t.Errorf("%s imports %s outside its tests", p.name, imp)
				}
			}
		}
	}
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"/...").Output()
	require.NoError(t, err)
	var all []goPackage
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		all = append(all, goPackage{name: strings.TrimPrefix(strings.TrimPrefix(f[0], module), "/"), imports: f[1:]})
	}
	require.NotEmpty(t, all)
	return all
}

func allowed(pkg, dep string) bool {
	for name, deps := range mayImport {
		if matches(name, pkg) && slices.ContainsFunc(deps, func(d string) bool { return matches(d, dep) }) {
			return true
		}
	}
	return false
}

// matches reports whether a pattern of mayImport covers a package.
func matches(pattern, pkg string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == tree || strings.HasPrefix(pkg, tree+"/")
	}
	return pattern == pkg
}

func hasPrefix(prefixes []string, imp string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return imp == p || strings.HasPrefix(imp, path.Clean(p)+"/")
	})
}

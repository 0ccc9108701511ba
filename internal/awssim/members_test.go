package awssim_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ebssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/iamsim"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
	"github.com/snapkeep/snapkeep/internal/awssim/orgsim"
	"github.com/snapkeep/snapkeep/internal/awssim/s3sim"
	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
	"github.com/snapkeep/snapkeep/internal/awssim/stssim"
)

// unread are members that no operation needs to look at, and why.
var unread = map[string]string{
	"ec2 AllAvailabilityZones":             "all zones there are can be used",
	"ec2 Force":                            "nothing here refuses to be detached or to end",
	"ec2 IncludeManagedResources":          "nothing here is managed by a service of AWS",
	"ec2 IncludeUnsupportedInRegion":       "all types are to be had in all Regions",
	"ec2 SkipOsShutdown":                   "instances here run no operating system",
	"organizations IamUserAccessToBilling": "nothing here is billed",
	"s3 ChecksumAlgorithm":                 "package wire checks the checksum itself",
	"s3 ContentLength":                     "package wire has read the body",
	"s3 ContentMD5":                        "package wire checks the digest",
	"ssm OutputS3Region":                   "Systems Manager ignores it, too: API Reference, SendCommand",
	"ssm WithDecryption":                   "no parameter here is encrypted",
}

// What a client asks for is done or refused, never ignored: for each member of
// each request its name stands in the code of the operation or of what that
// calls, or the operation refuses all members that it does not name. It may
// stand there for something else, so this finds what was forgotten, not all that
// is wrong.
func TestNoMemberOfARequestIsForgotten(t *testing.T) {
	services := map[string]any{
		"ebs": &ebssim.Service{}, "ec2": &ec2sim.Service{}, "iam": &iamsim.Service{}, "kms": &kmssim.Service{},
		"organizations": &orgsim.Service{}, "s3": &s3sim.Service{}, "ssm": &ssmsim.Service{}, "sts": &stssim.Service{},
	}
	sources, met := map[string]source{}, map[string]bool{}
	for _, name := range awssim.New(awssim.Options{}).Operations() {
		service, operation, _ := strings.Cut(name, ":")
		if sources[service] == nil {
			sources[service] = readSource(t, strings.TrimSuffix(service, "anizations")+"sim")
		}
		method, ok := reflect.TypeOf(services[service]).MethodByName(operation)
		require.True(t, ok, name)
		code := sources[service].reachedFrom(operation)
		for _, f := range reflect.VisibleFields(method.Type.In(2).Elem()) {
			member := service + " " + f.Name
			switch {
			case !f.IsExported() || code.words[f.Name] || code.refusesOthers:
			case unread[member] != "":
				met[member] = true
			default:
				t.Errorf("%s: nothing reads or refuses %s", name, f.Name)
			}
		}
	}
	for member := range unread {
		require.True(t, met[member], "%s is read, or no longer there", member)
	}
}

// A source is the code of a package by the names that it declares: functions,
// methods whatever they are of, variables and constants.
type source map[string][]ast.Node

func readSource(t *testing.T, dir string) source {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	s := source{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		f, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		require.NoError(t, err)
		for _, d := range f.Decls {
			s.add(d)
		}
	}
	require.NotEmpty(t, s, dir)
	return s
}

func (s source) add(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		s[d.Name.Name] = append(s[d.Name.Name], d.Body)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if values, ok := spec.(*ast.ValueSpec); ok {
				for _, name := range values.Names {
					s[name.Name] = append(s[name.Name], values)
				}
			}
		}
	}
}

// A reach is what can be met on the way from a function.
type reach struct {
	words map[string]bool // names, and the words of texts
	// refusesOthers says that the request as a whole is given to served, which
	// refuses what it is not told.
	refusesOthers bool
}

var word = regexp.MustCompile(`\w+`)

func (s source) reachedFrom(name string) reach {
	r := reach{words: map[string]bool{}}
	for todo := []string{name}; len(todo) > 0; todo = todo[1:] {
		for _, body := range s[todo[0]] {
			ast.Inspect(body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					if !r.words[n.Name] && len(s[n.Name]) > 0 && !slices.Contains(todo, n.Name) {
						todo = append(todo, n.Name)
					}
					r.words[n.Name] = true
				case *ast.BasicLit:
					for _, w := range word.FindAllString(n.Value, -1) {
						r.words[w] = true
					}
				case *ast.CallExpr:
					r.refusesOthers = r.refusesOthers || isCall(n, "served", "in")
				}
				return true
			})
		}
	}
	return r
}

// isCall tells whether a call is that of a function with a second argument of a name.
func isCall(call *ast.CallExpr, function, second string) bool {
	is := func(e ast.Expr, name string) bool { id, ok := e.(*ast.Ident); return ok && id.Name == name }
	return len(call.Args) > 1 && is(call.Fun, function) && is(call.Args[1], second)
}

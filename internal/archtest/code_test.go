package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The longest function and file there may be, and the longest file of tests,
// which may hold tables as long as they like. Most are far shorter.
const (
	maxFunction = 50
	maxFile     = 400
	maxTests    = 500
)

type goFile struct {
	path string // below the module's root
	ast  *ast.File
	set  *token.FileSet
}

// internal says whether the file's package is for this module alone.
func (f goFile) internal() bool {
	return slices.Contains(strings.Split(filepath.ToSlash(filepath.Dir(f.path)), "/"), "internal")
}

func TestExportedIdentifiersAreDocumented(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.ast.Name.Name == "main" {
			continue
		}
		for _, decl := range f.ast.Decls {
			for _, name := range undocumented(decl) {
				t.Errorf("%s: %s has no comment", f.set.Position(decl.Pos()), name)
			}
			if f.internal() {
				continue
			}
			for _, field := range undocumentedFields(decl) {
				t.Errorf("%s: field %s has no comment", f.set.Position(field.Pos()), field.Name)
			}
		}
	}
}

// A check that finds nothing must be one that could have found something.
func TestUndocumentedFieldsAreFound(t *testing.T) {
	const source = `package p

type (
	T[E any] struct {
		// A is documented, and stands for itself alone.
		A int
		B int
		C int // a comment on the line
		D, e, F E
		g int
		In struct {
			H int
		} // of H, it says nothing
		error
	}
	hidden struct{ I int }
)
`
	parsed, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.ParseComments)
	require.NoError(t, err)
	var found []string
	for _, field := range undocumentedFields(parsed.Decls[0]) {
		found = append(found, field.Name)
	}
	require.Equal(t, []string{"B", "D", "F", "H"}, found)
	for path, internal := range map[string]bool{
		"internal/pace/pace.go": true, "backup/internal/x/x.go": true, "backup/internals.go": false, "internalize/x.go": false,
	} {
		require.Equal(t, internal, goFile{path: filepath.FromSlash(path)}.internal(), path)
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range goFiles(t) {
		dir := filepath.Dir(f.path)
		documented[dir] = documented[dir] || f.ast.Doc != nil
	}
	for dir, ok := range documented {
		require.Truef(t, ok, "package in %s has no comment", dir)
	}
}

func TestFunctionsAndFilesAreShort(t *testing.T) {
	for _, f := range allFiles(t) {
		if strings.HasSuffix(f.path, "_test.go") {
			if n := f.set.Position(f.ast.End()).Line; n > maxTests {
				t.Errorf("%s has %d lines", f.path, n)
			}
			continue
		}
		if n := f.set.Position(f.ast.End()).Line; n > maxFile {
			t.Errorf("%s has %d lines", f.path, n)
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				if n := f.set.Position(fn.End()).Line - f.set.Position(fn.Pos()).Line + 1; n > maxFunction {
					t.Errorf("%s: %s has %d lines", f.set.Position(fn.Pos()), fn.Name.Name, n)
				}
			}
		}
	}
}

// undocumented names what a declaration exports without a comment. A comment
// on a group of constants or variables stands for all of them.
func undocumented(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !wellKnown[d.Name.Name] {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						names = append(names, n.Name)
					}
				}
			}
		}
		return names
	}
	return nil
}

// undocumentedFields finds the exported fields of exported structs that have a
// comment neither above nor behind them. Fields that share a declaration share
// its comment; an embedded type speaks for itself.
func undocumentedFields(decl ast.Decl) []*ast.Ident {
	d, ok := decl.(*ast.GenDecl)
	if !ok {
		return nil
	}
	var found []*ast.Ident
	for _, spec := range d.Specs {
		typ, ok := spec.(*ast.TypeSpec)
		if !ok || !typ.Name.IsExported() {
			continue
		}
		ast.Inspect(typ.Type, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok {
				_, structs := n.(*ast.StructType)
				_, list := n.(*ast.FieldList)
				return structs || list
			}
			exported := slices.DeleteFunc(slices.Clone(field.Names), func(name *ast.Ident) bool { return !name.IsExported() })
			if field.Doc == nil && field.Comment == nil {
				found = append(found, exported...)
			}
			return len(exported) > 0
		})
	}
	return found
}

// wellKnown are methods whose interface says what they do.
var wellKnown = map[string]bool{"Error": true, "Unwrap": true, "Is": true}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.IsExported()
}

// goFiles parses the module's Go files, tests apart.
// goFiles returns the module's files but tests.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	return slices.DeleteFunc(allFiles(t), func(f goFile) bool { return strings.HasSuffix(f.path, "_test.go") })
}

func allFiles(t *testing.T) []goFile {
	t.Helper()
	root := filepath.Join("..", "..")
	var files []goFile
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		files = append(files, goFile{rel, parsed, set})
		return err
	}))
	require.Greater(t, len(files), 100, "the walk must find the module")
	return files
}

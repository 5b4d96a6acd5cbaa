package arena

import (
	"embed"
	"io/fs"
)

//go:embed web/dist
var dist embed.FS

// Page is the arena to be played in a browser, as files whose index.html a server shows at /. They are bundled by
// .ci/bundle of the TypeScript in web.
func (g *Arena) Page() fs.FS {
	page, err := fs.Sub(dist, "web/dist")
	if err != nil {
		panic("examples/arena: the page's folder has no valid name: " + err.Error())
	}
	return page
}

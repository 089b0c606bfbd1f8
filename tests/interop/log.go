// Checks a whole log of ours with code that others wrote (golang.org/x/mod/sumdb: note and tlog), and nothing of ours:
//
//	go run log.go FOLDER VKEY
//
// Opens the checkpoint's note, hashes every entry, makes every tile that the tree has and compares, makes the root, and checks a
// proof of inclusion for each entry and proofs of consistency from older sizes, made from the tiles as they lie there.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fatal(format string, args ...interface{}) {
	fmt.Printf(format+"\n", args...)
	os.Exit(1)
}

func must(err error, what string) {
	if err != nil {
		fatal("%s: %v", what, err)
	}
}

// Go calls it tile/8/L/N and tile/8/data/N.
func path(folder string, tile tlog.Tile) string {
	p := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	return filepath.Join(folder, strings.Replace(p, "tile/data/", "tile/entries/", 1))
}

type reader struct{ folder string }

func (r reader) Height() int { return 8 }
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(path(r.folder, t))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}
func (r reader) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

type stored map[int64]tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		h, ok := s[i]
		if !ok {
			return nil, fmt.Errorf("no hash %d", i)
		}
		out = append(out, h)
	}
	return out, nil
}

func entries(folder string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		t := tlog.Tile{H: 8, L: -1, N: n, W: 256}
		if size-n*256 < 256 {
			t.W = int(size - n*256)
		}
		data, err := os.ReadFile(path(folder, t))
		must(err, "entries")
		for i := 0; i < t.W; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				fatal("bundle %d is cut short", n)
			}
			l := 2 + int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:l])
			data = data[l:]
		}
		if len(data) != 0 {
			fatal("bundle %d has %d bytes too many", n, len(data))
		}
	}
	return all
}

func main() {
	folder := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	must(err, "verifier key")
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err, "checkpoint")
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err, "note")
	// tlog.ParseTree wants the origin of the Go checksum database.
	lines := strings.SplitN(opened.Text, "\n", 2)
	if lines[0] != verifier.Name() {
		fatal("origin %q", lines[0])
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + lines[1]))
	must(err, "tree")

	all := entries(folder, tree.N)
	hashes := stored{}
	roots := []tlog.Hash{{}}
	var leaves []tlog.Hash
	for i, entry := range all {
		leaf := tlog.RecordHash(entry)
		leaves = append(leaves, leaf)
		made, err := tlog.StoredHashesForRecordHash(int64(i), leaf, hashes)
		must(err, "hashes")
		at := tlog.StoredHashIndex(0, int64(i))
		for k, h := range made {
			hashes[at+int64(k)] = h
		}
		root, err := tlog.TreeHash(int64(i)+1, hashes)
		must(err, "tree hash")
		roots = append(roots, root)
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	must(err, "tree hash")
	if root != tree.Hash {
		fatal("the entries' root %v is not the checkpoint's %v", root, tree.Hash)
	}
	tiles := 0
	// NewTiles lists partial tiles of every width; a log has those of its size.
	for _, t := range tlog.NewTiles(8, 0, tree.N) {
		if t.L < 0 || (t.W < 256 && int64(t.W) != tree.N>>(8*uint(t.L))-t.N*256) {
			continue
		}
		tiles++
		want, err := tlog.ReadTileData(t, hashes)
		must(err, "tile")
		have, err := os.ReadFile(path(folder, t))
		must(err, "tile")
		if !bytes.Equal(want, have) {
			fatal("%s is not what the entries give", path(folder, t))
		}
	}
	lying := tlog.TileHashReader(tree, reader{folder})
	proofs := 0
	for i := int64(0); i < tree.N; i++ {
		proof, err := tlog.ProveRecord(tree.N, i, lying)
		must(err, "inclusion")
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaves[i]), "inclusion")
		proofs++
	}
	for i := int64(1); i <= tree.N; i += 1 + i/7 {
		proof, err := tlog.ProveTree(tree.N, i, lying)
		must(err, "consistency")
		must(tlog.CheckTree(proof, tree.N, tree.Hash, i, roots[i]), "consistency")
		proofs++
	}
	fmt.Printf("%d entries, %d tiles, %d proofs: all agree\n", tree.N, tiles, proofs)
}

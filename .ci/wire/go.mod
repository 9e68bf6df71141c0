module bake-ts.local/wire

go 1.26.8

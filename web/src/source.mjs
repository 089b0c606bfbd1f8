/* Where a bundle's bytes come from. A source has `size` and `read(at, length)`, which gives exactly these bytes at once: files
 * are read in a worker, where waiting disturbs nobody, so that nothing here need be asynchronous and no file need fit into memory. */
export class FileSource {
	#reader = new FileReaderSync();
	#file;

	constructor(file) {
		this.#file = file;
		this.size = file.size;
	}

	read(at, length) {
		return new Uint8Array(this.#reader.readAsArrayBuffer(this.#file.slice(at, at + length)));
	}
}

/* A part of a source, read through a window: what lies close together is read once. */
export class Member {
	#source;
	#window = new Uint8Array(0);
	#from = 0;

	constructor(source, name, at, size) {
		this.#source = source;
		this.name = name;
		this.at = at;
		this.size = size;
	}

	/* Bytes from `at` on, fewer where the member ends. */
	read(at, length) {
		length = Math.max(0, Math.min(length, this.size - at));
		if (at < this.#from || at + length > this.#from + this.#window.length) {
			const take = Math.min(Math.max(length, WINDOW), this.size - at);

			this.#window = this.#source.read(this.at + at, take);
			this.#from = at;
			if (this.#window.length !== take)
				throw new Error(`${this.name}: the file changed while it was read`);
		}
		return this.#window.subarray(at - this.#from, at - this.#from + length);
	}

	/* Lets the window go: there may be many members. */
	release() {
		this.#window = new Uint8Array(0);
	}

	whole() {
		const bytes = this.read(0, this.size);

		this.release();
		return bytes;
	}
}

export const WINDOW = 1 << 20;

"""The viewer of slices: what it is fed with, and what a reader sees and does.

`static/viewer.js` is where it starts; `library/` is what `static/cornerstone.js` is made of
(`make viewer-library`).
"""

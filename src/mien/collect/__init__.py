"""From a question to a folder of videos: search a platform, download what may be downloaded.

    api.py         requests to the YouTube Data API: key, quota, repeats, errors in plain words
    search.py      queries -> videos.csv, page by page, resumable (progress.py: what a stop leaves behind)
    listing.py     the table of videos, and any other table with links
    fetch.py       one video, by yt-dlp
    download.py    a list -> files and downloads.csv; one failure stops nothing
    javascript.py  the runtime that YouTube's pages need

The next step, from videos to faces, is ``mien.data.frames``. This layer knows nothing of manifests and models.
"""

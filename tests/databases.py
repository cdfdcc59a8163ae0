"""Small copies, drawn by code, of the databases that `pack` reads: each has the form of the real one."""

import math
from collections.abc import Mapping
from pathlib import Path

from tests.images import encoded, face

PEOPLE = 12


def write_files(root: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write name -> content below `root` and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def photo(who: int, number: int = 0, format: str = "JPEG") -> bytes:
    return encoded(face(who, number, 32), format)


def lfw() -> dict[str, bytes | str]:
    return {
        f"lfw/Ann_{who}/Ann_{who}_{number:04d}.jpg": photo(who, number) for who in range(PEOPLE) for number in (1, 2)
    } | {"lfw/README.txt": "x", "lfw/Ann_0/other.jpg": photo(90)}


def utkface() -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {
        f"UTKFace/{20 + who}_{who % 2}_{who % 5}_2017011617452512{who:02d}.jpg.chip.jpg": photo(who)
        for who in range(PEOPLE)
    }
    return files | {"UTKFace/39_1_20170116174525125.jpg.chip.jpg": photo(50), "UTKFace/notes.jpg": photo(51)}


def adience(form: str = "faces") -> dict[str, bytes | str]:
    names = {"faces": "coarse_tilt_aligned_face.{}.", "aligned": "landmark_aligned_face.{}.", "originals": ""}
    columns = "user_id original_image face_id age gender x y dx dy tilt_ang fiducial_yaw_angle fiducial_score"
    files: dict[str, bytes | str] = {}
    lines: list[list[str]] = [["\t".join(columns.split())], ["\t".join(columns.split())]]
    for who in range(PEOPLE):
        user, image = f"3060{who // 2}@N03", f"103998{who}_o.jpg"
        files[f"{form}/{user}/{names[form].format(who)}{image}"] = photo(who)
        line = f"{user}\t{image}\t{who}\t(25, 32)\t{'fm'[who % 2]}\t4\t5\t20\t21\t0\t0\t50"
        lines[who % 2].append(line)
    lines[0].append("30600@N03\tgone.jpg\t99\tNone\t\t1\t2\t3\t4\t0\t0\t50")
    return files | {f"fold_{fold}_data.txt": "\n".join(rows) + "\n" for fold, rows in enumerate(lines)}


def ijbc() -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {}
    lines = ["SUBJECT_ID,FILENAME,SIGHTING_ID,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT,YAW"]
    for who in range(PEOPLE):
        for number, folder in enumerate(("img", "frames")):
            files[f"images/{folder}/{100 * who + number}.jpg"] = photo(who, number)
            lines.append(f"{who + 1},{folder}/{100 * who + number}.jpg,{who},4,5,20,21,0.1")
    lines += ["3,img/gone.jpg,7,1,2,3,4,0", "4,img/300.jpg,8,,,,,0", "3,img/200.jpg,9,1,1,9,9,0"]
    return files | {
        "protocols/ijbc_metadata.csv": "\n".join(lines),
        "protocols/test1/match.csv": "1,2\n",
        "protocols/test1/enroll.csv": "\n".join([lines[0], lines[1]]),
        "images/img/unnamed.jpg": photo(80),
    }


def fddb() -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {}
    folds: list[list[str]] = [[], []]
    for who in range(PEOPLE):
        name = f"2002/08/{who:02d}/big/img_{who}"
        files[f"originalPics/{name}.jpg"] = photo(who)
        folds[who % 2] += [name, "2", f"10 6 {math.pi / 2:.4f} 16 15  1", "4 3 0.0 5 6  1"]
    folds[1] += ["2002/08/99/big/img_99", "1", "10 6 0 16 15  1"]
    return (
        files
        | {
            f"FDDB-folds/FDDB-fold-{fold + 1:02d}-ellipseList.txt": "\n".join(lines) + "\n"
            for fold, lines in enumerate(folds)
        }
        | {"FDDB-folds/FDDB-fold-01.txt": "x"}
    )


def gandiffface() -> dict[str, bytes | str]:
    return {
        f"DB/{('asian_female', 'black_male')[who % 2]}/ID_{who // 2:04d}/{number}.png": photo(who, number, "PNG")
        for who in range(PEOPLE)
        for number in range(2)
    }


def classes() -> dict[str, bytes | str]:
    return {f"signs/{('stop', 'yield', 'turn')[who % 3]}/{who}.png": photo(who, 0, "PNG") for who in range(PEOPLE)}


def listed() -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {f"faces/{who}.png": photo(who, 0, "PNG") for who in range(PEOPLE)}
    lines = ["photo,identity,x0,y0,x1,y1,camera"]
    lines += [f'faces/{who}.png,"person {who}",1,2,30,31,{"ab"[who % 2]}' for who in range(PEOPLE)]
    lines += ["faces/gone.png,person 3,,,,,", "../../secret.png,person 4,,,,,", "faces/5.png,person 5,1,x,2,3,a"]
    return files | {"who.csv": "\n".join(lines) + "\n", "faces/unnamed.png": photo(70)}

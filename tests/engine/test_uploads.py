"""What may be uploaded, what is taken out of it, and how it is handed to readers. Every file is a real one, made in `crafted`."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image as Pillow
from PIL import ImageChops
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Collection, CollectionViewRestriction

from tests.engine import crafted
from webstreet.engine.accounts.models import SecuritySettings
from webstreet.engine.storages import SiteStorage
from webstreet.engine.uploaded import FileRefused, check_document, clean_image

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
HOST = {"host": "blog.example.com"}


@pytest.fixture
def files(settings, tmp_path) -> Path:
    """Where uploads of this test go."""
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def editor(admin_user, files) -> Client:
    found = Client(headers=HOST)
    found.force_login(admin_user)
    return found


def send(editor: Client, what: str, name: str, data: bytes):
    """By the view for several files, which the admin's own pages use; its answer is JSON."""
    form = {
        "files[]" if what != "x" else "file": SimpleUploadedFile(name, data),
        "collection": Collection.objects.first().pk,
    }
    path = reverse("wagtailimages:add_multiple" if what == "image" else "wagtaildocs:add_multiple")
    return editor.post(path, form, headers={"x-requested-with": "XMLHttpRequest"}, secure=True).json()


def send_alone(editor: Client, what: str, name: str, data: bytes):
    path = reverse("wagtailimages:add" if what == "image" else "wagtaildocs:add")
    form = {"title": "One", "file": SimpleUploadedFile(name, data), "collection": Collection.objects.first().pk}
    return editor.post(path, form, secure=True)


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def location_of(data: bytes) -> dict:
    with Pillow.open(io.BytesIO(data)) as image:
        return dict(image.getexif().get_ifd(0x8825)) | ({"xmp": 1} if image.info.get("xmp") else {})


@pytest.mark.parametrize(
    ("name", "kind"), [("a.jpg", "JPEG"), ("a.jpeg", "JPEG"), ("a.png", "PNG"), ("a.webp", "WEBP")]
)
def test_where_and_with_what_a_picture_was_taken_is_removed(editor, files, name, kind):
    original = crafted.picture(kind, gps=True)
    assert location_of(original)[1] == "N", "the crafted file has what is to be removed"
    assert send(editor, "image", name, original)["success"] is True
    (path,) = kept(files)
    data = path.read_bytes()
    assert location_of(data) == {}
    for trace in (b"CanaryCam", b"GPSLatitude"):
        assert trace not in data
    with Pillow.open(io.BytesIO(original)) as before, Pillow.open(io.BytesIO(data)) as after:
        assert ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox() is None, "no pixel changed"
        assert after.getexif().get(0x0112) == 6, "it still knows which side is up"
        assert after.getexif().get(0x8298) == "Maud"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_that_says_nothing_of_itself_is_taken(kind):
    plain = io.BytesIO()
    Pillow.effect_noise((600, 600), 90).save(plain, kind)
    kept = clean_image(f"plain.{kind.lower()}", plain.getvalue())
    assert Pillow.open(io.BytesIO(kept)).size == (600, 600)


def test_a_progressive_picture_with_restarts_keeps_every_pixel():
    image = Pillow.effect_noise((200, 150), 90).convert("RGB")
    for options in (
        {"progressive": True},
        {"restart_marker_blocks": 2},
        {"icc_profile": b"x" * 70_000},
        {"comment": b"hello"},
    ):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=80, **options)
        with (
            Pillow.open(io.BytesIO(out.getvalue())) as before,
            Pillow.open(io.BytesIO(clean_image("a.jpg", out.getvalue()))) as after,
        ):
            assert ImageChops.difference(before, after).getbbox() is None
            assert after.info.get("icc_profile") == before.info.get("icc_profile")
            assert "comment" not in after.info


def test_what_hides_behind_a_picture_is_cut_off():
    hidden = crafted.picture() + crafted.picture(gps=True)
    assert clean_image("a.jpg", hidden) == clean_image("a.jpg", crafted.picture())


IMAGES_REFUSED = [
    ("drawing.svg", crafted.SVG, ""),
    ("page.png", crafted.PAGE, ""),
    ("renamed.png", crafted.picture("JPEG"), ""),
    ("cut.png", crafted.picture("PNG")[:60], ""),
    ("gifar.gif", crafted.picture("GIF") + crafted.archive({"META-INF/MANIFEST.MF": b"x"}), "another kind"),
    ("jar.jpg", crafted.picture("JPEG") + crafted.archive({"a.class": b"x"}), "another kind"),
    ("script.gif", crafted.picture("GIF", comment=crafted.SCRIPT), "web page"),
    ("tail.gif", crafted.picture("GIF") + crafted.PAGE, "web page"),
    ("paper.jpg", b"\xff\xd8\xff\xfe\x00\x10%PDF-1.4\n      " + crafted.picture("JPEG")[2:], "another kind"),
    ("huge.png", crafted.huge_png(), "pixels"),
    ("frames.gif", crafted.many_frames(), "pixels"),
]


@pytest.mark.parametrize(("name", "data", "said"), IMAGES_REFUSED, ids=[case[0] for case in IMAGES_REFUSED])
def test_pictures_that_are_refused_leave_nothing(editor, files, name, data, said):
    told = send(editor, "image", name, data)
    assert told["success"] is False
    assert said in told["error_message"].replace("\n", " ")
    page = send_alone(editor, "image", name, data)
    assert page.status_code == 200, "the form again, with its errors"
    assert page.context["form"].errors["file"]
    assert get_image_model().objects.count() == 0
    assert kept(files) == []


def test_markup_in_a_comment_is_removed_with_it():
    assert crafted.SCRIPT not in clean_image("a.jpg", crafted.picture("JPEG", comment=crafted.SCRIPT))


DOCUMENTS_REFUSED = [
    ("page.html", crafted.PAGE, "cannot be uploaded"),
    ("code.js", b"alert(1)", "cannot be uploaded"),
    ("drawing.svg", crafted.SVG, "cannot be uploaded"),
    ("none", b"x", "cannot be uploaded"),
    ("run.exe", b"MZ", "cannot be uploaded"),
    ("renamed.pdf", crafted.PAGE, "not a .pdf"),
    ("both.pdf", crafted.PDF + crafted.PAGE, "web page"),
    ("page.txt", crafted.PAGE, "web page"),
    ("program.csv", b"MZ\x00\x01", "not a .csv"),
    ("sheet.xlsx", crafted.word(), "not a .xlsx"),
    ("text.docx", crafted.open_text(), "not a .docx"),
    ("text.odt", crafted.word(), "not a .odt"),
    ("macro.docx", crafted.word(**{"word/vbaProject.bin": b"x"}), "macros"),
    ("macro.odt", crafted.open_text(**{"Basic/Standard/Module1.xml": b"x"}), "macros"),
    ("script.odt", crafted.open_text(**{"Scripts/python/a.py": b"x"}), "macros"),
    ("bomb.docx", crafted.bomb(), "unpacks"),
    ("nested.zip", crafted.archive({"inner.zip": crafted.archive({"a": b"x"})}), "archives"),
    ("many.zip", crafted.archive({f"{n}": b"" for n in range(10_001)}), "unpacks"),
    ("cut.zip", crafted.archive({"a": b"x" * 1000})[:40], "damaged"),
]


@pytest.mark.parametrize(("name", "data", "said"), DOCUMENTS_REFUSED, ids=[case[0] for case in DOCUMENTS_REFUSED])
def test_documents_that_are_refused_leave_nothing(editor, files, name, data, said):
    told = send(editor, "document", name, data)
    assert told["success"] is False
    assert said in told["error_message"].replace("\n", " ")
    assert said in str(send_alone(editor, "document", name, data).context["form"].errors["file"])
    assert get_document_model().objects.count() == 0
    assert kept(files) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.pdf", crafted.PDF), ("a.docx", crafted.word()), ("a.odt", crafted.open_text()), ("a.txt", "été".encode()),
     ("a.csv", b"a;b\n1;2\n"), ("a.zip", crafted.archive({"a": b"x"}))],
)  # fmt: skip
def test_documents_that_are_taken(editor, files, name, data):
    assert send(editor, "document", name, data)["success"] is True
    assert [path.read_bytes() for path in kept(files)] == [data]


def test_everything_a_file_may_claim_is_refused_or_taken_and_nothing_else_happens():
    """Every prefix of good files, and good files with a byte changed: an error of ours or none, never another."""
    for kind, name in (("JPEG", "a.jpg"), ("PNG", "a.png"), ("WEBP", "a.webp"), ("GIF", "a.gif")):
        whole = crafted.picture(kind, gps=kind != "GIF")
        variants = [whole[:n] for n in range(0, len(whole), 7)]
        variants += [whole[:n] + bytes([whole[n] ^ 0xFF]) + whole[n + 1 :] for n in range(0, len(whole), 5)]
        for data in variants:
            try:
                clean_image(name, data)
            except FileRefused as error:
                assert error.message
    for name, whole in (("a.docx", crafted.word()), ("a.odt", crafted.open_text())):
        for n in range(0, len(whole), 3):
            for data in (whole[:n], whole[:n] + bytes([whole[n] ^ 0xFF]) + whole[n + 1 :]):
                try:
                    check_document(name, io.BytesIO(data))
                except FileRefused as error:
                    assert error.message


def test_a_file_larger_than_the_site_takes(editor, files):
    SecuritySettings.objects.update_or_create(defaults={"upload_mb": 1})
    large = b"a" * (1024 * 1024 + 1)
    assert "1.0\xa0MB" in send(editor, "document", "a.txt", large)["error_message"]
    noise = io.BytesIO()
    Pillow.effect_noise((1400, 1400), 90).save(noise, "PNG")
    assert len(noise.getvalue()) > 1024 * 1024
    assert "too big" in send(editor, "image", "a.png", noise.getvalue())["error_message"]
    assert kept(files) == []


def test_more_at_once_than_a_request_may_hold(editor, files, settings):
    settings.WEBSTREET_MAX_REQUEST_BYTES = 1000
    path = reverse("wagtaildocs:add_multiple")
    answer = editor.post(path, {"files[]": SimpleUploadedFile("a.txt", b"x" * 2000)}, secure=True)
    assert answer.status_code == 413
    assert "Too much at once" in answer.content.decode()
    assert kept(files) == []


def test_a_large_picture_is_cleaned_in_its_temporary_file(editor, files, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    send(editor, "image", "a.jpg", crafted.picture(gps=True, size=(400, 300)))
    (path,) = kept(files)
    assert location_of(path.read_bytes()) == {}
    assert get_image_model().objects.get().file_size == path.stat().st_size


def test_the_forms_say_it_in_french(editor, admin_user):
    from wagtail.users.models import UserProfile

    UserProfile.objects.update_or_create(user=admin_user, defaults={"preferred_language": "fr"})
    assert "ne peuvent pas être déposés" in send(editor, "document", "page.html", crafted.PAGE)["error_message"]


@pytest.mark.parametrize(
    ("given", "kept_as"),
    [
        ("Ma Photo.php.JPG", "Ma-Photo-php.jpg"),
        (".htaccess", "file.htaccess"),
        ("été à Sète.png", "ete-a-Sete.png"),
        ("a\u202egpj.exe.png", "agpj-exe.png"),
        ("x" * 300 + ".pdf", "x" * 80 + ".pdf"),
        ("日本.png", "file.png"),
        ("con;rm -rf.txt", "con-rm-rf.txt"),
    ],
)
def test_names_mean_the_same_everywhere(given, kept_as):
    assert SiteStorage().get_valid_name(given) == kept_as


class TestServing:
    """Also of files that came before these rules, or by another way."""

    @pytest.fixture
    def web(self, editor) -> Client:
        """An editor, who may see what nothing shows yet; for readers the atoms say."""
        return editor

    @pytest.mark.parametrize(
        ("name", "data", "attached"),
        [("a.jpg", crafted.picture(), False), ("a.svg", crafted.SVG, True), ("a.html", crafted.PAGE, True), ("a.js", b"1", True),
         ("a.bin", crafted.PAGE, True), ("a.xhtml", crafted.PAGE, True), ("a.pdf", crafted.PDF, False)],
    )  # fmt: skip
    def test_an_upload_acts_for_nobody(self, web, files, name, data, attached):
        (files / name).write_bytes(data)
        answer = web.get(f"/media/{name}", secure=True)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert (answer.get("Content-Disposition", "") == "attachment") is attached
        policy = answer["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert policy.endswith("sandbox") or name.endswith(".pdf")

    def test_a_document_that_is_not_for_everybody_has_one_address_which_asks(self, web, editor, files):
        send(editor, "document", "a.txt", b"canary")
        document = get_document_model().objects.get()
        answer = web.get(document.url, secure=True)
        assert answer.getvalue() == b"canary"
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["Content-Security-Policy"].endswith("sandbox")
        assert answer["X-Content-Type-Options"] == "nosniff"
        elsewhere = f"{django_settings.MEDIA_URL}{document.file.name}"
        assert web.get(elsewhere, secure=True).status_code == 200
        CollectionViewRestriction.objects.create(
            collection=document.collection, restriction_type="password", password="x"
        )
        assert web.get(elsewhere, secure=True).status_code == 404

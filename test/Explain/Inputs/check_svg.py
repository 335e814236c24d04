"""Parses a timetable and prints its texts and boxes in order."""
import sys
import xml.etree.ElementTree as ElementTree

SVG = "{http://www.w3.org/2000/svg}"
root = ElementTree.parse(sys.argv[1]).getroot()
assert root.tag == SVG + "svg", root.tag
for element in root.iter():
    if element.tag == SVG + "text":
        print("number:" if element.get("class") == "number" else "text:", element.text)
    elif element.tag == SVG + "rect" and element.find(SVG + "title") is not None:
        print("box:", element.find(SVG + "title").text)

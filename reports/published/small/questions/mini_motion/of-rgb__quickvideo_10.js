given("of-rgb__quickvideo_10",{"outcomes":"665666665676756773776656","labels":null});

given("of-rgb__quickvideo_10",{"outcomes":"566565656576762377666566","labels":null});

given("of-rgb__quickvideo_5",{"outcomes":"566565656576776765666566","labels":null});

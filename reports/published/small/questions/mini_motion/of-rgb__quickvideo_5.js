given("of-rgb__quickvideo_5",{"outcomes":"565666665676756777776556","labels":null});

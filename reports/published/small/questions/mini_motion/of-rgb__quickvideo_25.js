given("of-rgb__quickvideo_25",{"outcomes":"321773233323233331332317","labels":null});

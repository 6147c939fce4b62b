given("of-rgb__quickvideo_50",{"outcomes":"333333233333122333333333","labels":null});

given("of-rgb_dense__quickvideo_10",{"outcomes":"444412221212442244444444","labels":null});

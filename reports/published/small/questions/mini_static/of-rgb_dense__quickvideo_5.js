given("of-rgb_dense__quickvideo_5",{"outcomes":"444444441112444444444444","labels":null});

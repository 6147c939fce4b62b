given("of-rgb_dense__quickvideo_25",{"outcomes":"122212221212122221212122","labels":null});

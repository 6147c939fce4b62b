given("of-rgb__quickvideo_25",{"outcomes":"333733233332122333673336","labels":null});
